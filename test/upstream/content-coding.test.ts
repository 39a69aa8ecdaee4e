import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { codingsOf, decoded } from '../../src/upstream/content-coding.ts';

const ENCODE = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync };
const coding = fc.constantFrom(...(Object.keys(ENCODE) as (keyof typeof ENCODE)[]));

test('a body is decoded by its codings in reverse order, ignoring unknown ones', (t) => {
  const text = fc.string({ maxLength: 200 }).map((each) => Buffer.from(`<${each}>`));
  const none = fc.constantFrom('utf-8', 'identity', '', 'none', '8bit');
  fc.assert(
    fc.property(text, fc.array(coding, { maxLength: 3 }), none, (plain, codings, word) => {
      const body = codings.reduce<Buffer>((coded, each) => ENCODE[each](coded), plain);
      const header = [word, ...codings, word].join(' , ').toUpperCase();
      const named = codingsOf(['Date', 'x', 'Content-ENCODING', header]);
      t.deepEqual(named, codings);
      t.true(decoded(body, named, 10_000).equals(plain));
    }),
  );
});

test('a coding over several headers is read in their order, and at most four are tried', (t) => {
  t.deepEqual(codingsOf(['content-encoding', 'gzip', 'x', 'br', 'content-encoding', 'br;q=1']), [
    'gzip',
    'br',
  ]);
  t.is(codingsOf(['content-encoding', 'gzip,'.repeat(1_000)]).length, 4);
});

test('deflate without its header is read too', (t) => {
  t.is(decoded(deflateRawSync('<text>'), ['deflate'], 100).toString(), '<text>');
});

test('a body without the coding, a broken one, or one that would be too large is returned unchanged', (t) => {
  const page = Buffer.from('<html>not coded</html>');
  for (const named of ['gzip', 'br', 'deflate']) t.is(decoded(page, [named], 1_000), page);
  const broken = gzipSync('x'.repeat(1_000)).subarray(0, 15);
  t.is(decoded(broken, ['gzip'], 10_000), broken);
  for (const [named, encode] of Object.entries(ENCODE)) {
    const bomb = encode(Buffer.alloc(1_000_000));
    t.is(decoded(bomb, [named], 10_000), bomb, named);
  }
});

test('a JSON object is never taken for an encoded body', (t) => {
  const object = fc.object({ maxDepth: 1 }).map((each) => Buffer.from(JSON.stringify(each)));
  fc.assert(
    fc.property(object, fc.array(coding, { maxLength: 4 }), (body, codings) => {
      t.is(decoded(body, codings, 10_000), body);
    }),
    { numRuns: 2_000 },
  );
});
