import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
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
