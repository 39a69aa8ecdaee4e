import { PassThrough, Readable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import { BoundedBytes, readAtMost } from '../../src/base/bounded-bytes.ts';

test('whatever the chunks are, a body within the limit is returned whole, and no other', async (t) => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.nat({ max: 32 }), async (parts, bytesMax) => {
      const whole = Buffer.concat(parts);
      const read = await readAtMost(Readable.from(parts.map((part) => Buffer.from(part))), bytesMax);
      t.deepEqual(read, whole.length > bytesMax ? undefined : whole);
    }),
  );
});

test('a chunk that exceeds the limit is not kept', (t) => {
  const bytes = new BoundedBytes(5);
  t.true(bytes.push(Buffer.from('abc')));
  t.false(bytes.push(Buffer.from('defg')));
  t.is(bytes.whole().toString(), 'abc');
});

test('the stream of a body that is too long stays open, so that its sender can be answered', async (t) => {
  const stream = new PassThrough();
  stream.write('abc');
  stream.write('def');
  t.is(await readAtMost(stream, 5), undefined);
  t.false(stream.destroyed);
});

test('a body that ends early is an error', async (t) => {
  const stream = new PassThrough();
  stream.write('abc');
  const reading = readAtMost(stream, 5);
  stream.destroy();
  await t.throwsAsync(reading, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
});
