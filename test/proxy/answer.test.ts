import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { type Answer, AnswerRelay } from '../../src/proxy/answer.ts';
import { judge, JUDGED_BYTES_MAX } from '../../src/wechat/verdict.ts';

const ORIGIN = { url: 'http://platform', host: 'platform', isSecure: true, hostname: 'platform', port: 443 };

interface Relayed {
  readonly answer: Answer | undefined;
  /** What went to the caller while the answer came. */
  readonly passedOn: Buffer;
}

/** Brings an answer in pieces that end at `cuts`, and tells what became of it. */
function relay(body: Buffer, cuts: readonly number[], headers: string[] = [], status = 200): Relayed {
  const written: Buffer[] = [];
  const response = Object.assign(new EventEmitter(), {
    writeHead() {},
    write: (chunk: Buffer) => written.push(chunk) > 0,
    end() {},
    destroy() {},
  }) as unknown as ServerResponse;
  let answer: Answer | undefined;
  const sink = new AnswerRelay({
    method: 'GET',
    response,
    ownHeaders: () => [],
    onHead() {},
    onStreaming() {},
    onAnswer: (given) => (answer = given),
    resume() {},
  });
  sink.head(status, 'OK', headers, ORIGIN);
  const ends = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].toSorted((a, b) => a - b);
  let from = 0;
  for (const end of [...ends, body.length]) {
    if (end > from) sink.data(Buffer.from(body.subarray(from, end)));
    from = end;
  }
  sink.end([]);
  return { answer, passedOn: Buffer.concat(written) };
}

const errorText = fc
  .tuple(fc.constantFrom(40001, '42001', 0, 'x'), fc.string(), fc.jsonValue({ maxDepth: 1 }))
  .map(([errcode, errmsg, more]) => JSON.stringify({ more, errcode, errmsg }));
const anyBody = fc.oneof(
  errorText.map((text) => Buffer.from(text)),
  errorText.map((text) => Buffer.from(`\n ${text}\r\n`)),
  errorText.map((text) => Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xd8])])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .nat({ max: 2 * JUDGED_BYTES_MAX })
    .map((bytes) => Buffer.from(`{"errcode":40001,"pad":"${'x'.repeat(bytes)}"}`)),
);
const anyCuts = fc.array(fc.nat({ max: 10_000 }), { maxLength: 12 });

test('whatever the pieces, an answer is held with its verdict or passed on whole, never both', (t) => {
  fc.assert(
    fc.property(anyBody, anyCuts, (body, cuts) => {
      const { answer, passedOn } = relay(body, cuts);
      if (answer?.kind === 'held') {
        t.is(passedOn.length, 0);
        t.true(answer.body.equals(body));
        t.deepEqual(answer.verdict, judge(body));
      } else {
        t.is(answer?.kind, 'relayed');
        t.true(passedOn.equals(body));
        // Nothing that could have been judged is let go.
        t.is(judge(body).errcode, undefined);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('whatever the coding and the pieces, a coded error is judged and stays as it was', (t) => {
  const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
  fc.assert(
    fc.property(errorText, fc.constantFrom('gzip', 'deflate', 'br'), anyCuts, (text, coding, cuts) => {
      const body = codings[coding](text);
      const { answer } = relay(body, cuts, ['Content-Encoding', coding]);
      t.is(answer?.kind, 'held');
      if (answer?.kind !== 'held') return;
      t.true(answer.body.equals(body));
      t.deepEqual(answer.verdict, judge(Buffer.from(text)));
    }),
    { numRuns: 300 },
  );
});

test('parts, faults of gateways and codings that nobody can read are passed on as they come', (t) => {
  const body = Buffer.from('{"errcode":40001}');
  t.is(relay(body, [3], [], 206).answer?.kind, 'relayed');
  t.is(relay(body, [3], [], 502).answer?.kind, 'relayed');
  t.is(relay(body, [3], ['content-encoding', 'zstd']).answer?.kind, 'relayed');
  t.is(relay(body, [3], ['content-length', '5000']).answer?.kind, 'relayed');
  t.throws(() => relay(body, [], [], 101), { instanceOf: RangeError });
});
