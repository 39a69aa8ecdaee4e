import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import fc from 'fast-check';
import { KeptBody, ReplayBudget } from '../../src/proxy/body.ts';

const asRequest = (stream: PassThrough): IncomingMessage => stream as unknown as IncomingMessage;
const read = async (opened: Buffer | Readable): Promise<string> =>
  (Buffer.isBuffer(opened) ? opened : await buffer(opened)).toString();

test('a body can be read again from its first byte, before and after its end', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }),
      fc.nat({ max: 8 }),
      async (pieces, at) => {
        const source = new PassThrough();
        const whole = pieces.join('');
        const budget = new ReplayBudget(1_000_000);
        const body = new KeptBody(asRequest(source), Buffer.byteLength(whole), budget);
        for (const piece of pieces.slice(0, at)) source.write(piece);
        const first = body.open();
        const firstRead = Buffer.isBuffer(first) ? undefined : first.once('readable', () => first.read());
        const second = body.open();
        for (const piece of pieces.slice(at)) source.write(piece);
        source.end();
        t.is(await read(second), whole);
        t.is(await read(body.open()), whole);
        t.true(body.replayable);
        t.is(budget.bytes(), Buffer.byteLength(whole));
        body.release();
        t.is(budget.bytes(), 0);
        firstRead?.destroy();
      },
    ),
    { numRuns: 100 },
  );
});

test('a body that exceeds the memory is streamed completely, and cannot be replayed', async (t) => {
  const source = new PassThrough();
  const budget = new ReplayBudget(1_000);
  const body = new KeptBody(asRequest(source), 500_000, budget);
  const reading = read(body.open());
  for (let piece = 0; piece < 50; piece++) source.write('x'.repeat(10_000));
  source.end();
  t.is((await reading).length, 500_000);
  t.false(body.replayable);
  t.is(budget.bytes(), 0);
});

test('a body that is no longer read is not buffered', async (t) => {
  const source = new PassThrough();
  const body = new KeptBody(asRequest(source), 10_000_000, new ReplayBudget(0));
  let isFull = false;
  for (let piece = 0; piece < 100 && !isFull; piece++) {
    isFull = !source.write('x'.repeat(100_000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(isFull);
  t.false(body.replayable);
});

test('a body without Content-Length is read completely before it is sent, up to its limits', async (t) => {
  const arrive = async (text: string, bytesMax: number, memory: number): Promise<string> => {
    const source = new PassThrough();
    const body = new KeptBody(asRequest(source), undefined, new ReplayBudget(memory));
    source.end(text);
    return body.whole(bytesMax);
  };
  t.is(await arrive('abc', 3, 3), 'whole');
  t.is(await arrive('abcd', 3, 9), 'too_large');
  t.is(await arrive('abc', 3, 2), 'no_memory');
  const source = new PassThrough();
  const body = new KeptBody(asRequest(source), undefined, new ReplayBudget(9));
  source.write('a');
  source.destroy();
  t.is(await body.whole(3), 'client_closed');
});

const SIZES = [1, 2, 100, 1_400, 4_095, 4_096, 5_000, 16_384, 70_000];

test('a body of pieces of any length is read as it was, however often and whenever its memory runs out', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ size: fc.constantFrom(...SIZES), isRead: fc.boolean() }), { maxLength: 30 }),
      fc.integer({ min: 0, max: 150_000 }),
      fc.option(fc.nat({ max: 30 }), { nil: undefined }),
      async (pieces, memory, stopAt) => {
        const source = new PassThrough({ highWaterMark: 1_000_000 });
        const whole = Buffer.concat(pieces.map(({ size }, at) => Buffer.alloc(size, 1 + at)));
        const budget = new ReplayBudget(memory);
        const body = new KeptBody(asRequest(source), whole.length, budget);
        const opened = body.open() as Readable;
        const reading = buffer(opened);
        for (const [at, { size, isRead }] of pieces.entries()) {
          source.write(Buffer.alloc(size, 1 + at));
          if (isRead) await new Promise((resolve) => setImmediate(resolve));
          if (at === stopAt) body.stopKeeping();
        }
        source.end();
        t.true((await reading).equals(whole));
        if (body.replayable) {
          const again = body.open();
          t.true((Buffer.isBuffer(again) ? again : await buffer(again)).equals(whole));
          t.is(budget.bytes(), whole.length);
        } else t.is(budget.bytes(), 0);
        body.release();
        t.is(budget.bytes(), 0);
      },
    ),
    { numRuns: 200 },
  );
});

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
/** Memory outside the heap is given back by another thread, which the next collection waits for. */
const collect = (): void => [gc, gc].forEach((each) => each());

test.serial('a body takes about the memory that it is charged for, however it is cut and read', async (t) => {
  for (const [count, ...sizes] of [
    [5_000, 100],
    [20_000, 1],
    [500, 1, 4_096],
    [500, 4_095, 4_096],
  ] as const) {
    const source = new PassThrough({ highWaterMark: 10_000_000 });
    const budget = new ReplayBudget(100_000_000);
    const body = new KeptBody(asRequest(source), 100_000_000, budget);
    (body.open() as Readable).resume();
    const large = Buffer.alloc(64 * 1_024);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let piece = 0; piece < count; piece++) {
      for (const size of sizes) source.write(size < 4_096 ? large.subarray(0, size) : Buffer.alloc(size));
      if (piece % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    const more = process.memoryUsage().arrayBuffers - before;
    t.true(more < 3 * budget.bytes() + 1_000_000, `${count} x ${sizes.join(', ')}: ${more} bytes`);
    body.release();
  }
});
