import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { Secret } from '../../src/base/secret.ts';
import { OwnHeaders } from '../../src/proxy/own-headers.ts';
import { type Answer, AnswerRelay } from '../../src/proxy/upstream-response.ts';
import { judge, JUDGED_BYTES_MAX } from '../../src/wechat/verdict.ts';

const ORIGIN = {
  url: 'http://platform',
  host: 'platform',
  isSecure: true,
  hostname: 'platform',
  port: 443,
  pathPrefix: '',
};

interface Relayed {
  readonly answer: Answer | undefined;
  /** What went to the caller while the answer came. */
  readonly passedOn: Buffer;
  /** The headers that went with it. */
  readonly headers: readonly string[];
}

/** Brings an answer in pieces that end at `cuts`, and tells what became of it. */
function relay(
  body: Buffer,
  cuts: readonly number[],
  headers: string[] = [],
  status = 200,
  secrets: readonly Secret[] = [],
): Relayed {
  const written: Buffer[] = [];
  let head: readonly string[] = [];
  const response = Object.assign(new EventEmitter(), {
    writeHead: (_: number, reason: string, sent: string[]) => (head = [reason, ...sent]),
    write: (chunk: Buffer) => written.push(chunk) > 0,
    end() {},
    destroy() {},
  }) as unknown as ServerResponse;
  let answer: Answer | undefined;
  const sink = new AnswerRelay({
    method: 'GET',
    response,
    ownHeaders: () => new OwnHeaders([]),
    injected: secrets.map((secret) => ({ secret, inHeaders: () => 'STAND-IN' })),
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
  return { answer, passedOn: Buffer.concat(written), headers: head };
}

const errorText = fc
  .tuple(fc.constantFrom(40001, '42001', 0, 'x'), fc.string(), fc.jsonValue({ maxDepth: 1 }))
  .map(([errcode, errmsg, more]) => JSON.stringify({ more, errcode, errmsg }));
const anyBody = fc.oneof(
  errorText.map((text) => Buffer.from(text)),
  errorText.map((text) => Buffer.from(`\n ${text}\r\n`)),
  errorText.map((text) => Buffer.from(`\ufeff${text}\u0000\u0000`)),
  errorText.map((text) => Buffer.from(`\ufeff${text}`, 'utf16le')),
  errorText.map((text) => Buffer.from(`\ufeff\u001f${text}`, 'utf16le').swap16()),
  errorText.map((text) => Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xd8])])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .nat({ max: 2 * JUDGED_BYTES_MAX })
    .map((bytes) => Buffer.from(`{"errcode":40001,"pad":"${'x'.repeat(bytes)}"}`)),
);
const anyCuts = fc.array(fc.nat({ max: 10_000 }), { maxLength: 12 });

test('however it is split, a response is held with its verdict or passed on completely, never both', (t) => {
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

test('whatever its coding and pieces, an encoded error is judged and stays unchanged', (t) => {
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

test('multipart responses, gateway errors and unreadable codings are passed on unchanged', (t) => {
  const body = Buffer.from('{"errcode":40001}');
  t.is(relay(body, [3], [], 206).answer?.kind, 'relayed');
  t.is(relay(body, [3], [], 502).answer?.kind, 'relayed');
  t.is(relay(Buffer.from([0x28, 0xb5, 0x2f]), [], ['content-encoding', 'zstd']).answer?.kind, 'relayed');
  t.is(relay(body, [3], ['content-length', '5000']).answer?.kind, 'relayed');
  t.throws(() => relay(body, [], [], 101), { instanceOf: RangeError });
});

test('an unknown coding, or one that the bytes do not have, hides no refusal', (t) => {
  const plain = Buffer.from('\ufeff{"errcode":40001}\u0000');
  for (const coding of [
    'utf-8',
    'UTF8',
    'none',
    'identity',
    '',
    ',',
    'zstd',
    'gzip',
    'br',
    'deflate',
    'x-gzip, br',
  ]) {
    for (const cuts of [[], [1, 2, 5]]) {
      const { answer } = relay(plain, cuts, ['Content-Encoding', coding]);
      t.is(answer?.kind === 'held' && answer.verdict.errcode, 40001, coding);
      t.true(answer?.kind === 'held' && answer.body.equals(plain), coding);
    }
  }
  const coded = gzipSync(plain);
  for (const coding of [
    'utf-8, gzip',
    'gzip, identity',
    ' GZIP ',
    'gzip;q=1',
    'x-gzip',
    'gzip, gzip',
    'br, gzip',
  ]) {
    const { answer } = relay(coded, [4], ['content-encoding', coding]);
    t.is(answer?.kind === 'held' && answer.verdict.errcode, 40001, coding);
    t.true(answer?.kind === 'held' && answer.body.equals(coded), coding);
  }
});

test('a compressed file is not judged, whatever is in it', (t) => {
  const packed = gzipSync('{"errcode":40001}');
  for (const headers of [[], ['content-encoding', 'identity'], ['content-encoding', 'br']]) {
    const { answer } = relay(packed, [3], headers);
    t.is(answer?.kind === 'held' ? answer.verdict.errcode : undefined, undefined);
  }
});

const TOKEN = '92_aZ09-x_Y7bQ3mK5nP1rT6vW8yB2cD4fG0hJ';
const QUOTES = Buffer.from(`<p>access_token=${TOKEN}</p>`);

test('a response that quotes our token is held if it is a page or small, and passed on without the token', (t) => {
  for (const [status, headers] of [
    [302, []],
    [404, []],
    [502, []],
    [200, ['Content-Type', 'Text/HTML']],
    [200, ['content-length', String(QUOTES.length)]],
  ] as const) {
    const { answer, passedOn } = relay(QUOTES, [5, 9], [...headers, 'etag', '"a"'], status, [
      new Secret(TOKEN),
    ]);
    t.is(passedOn.length, 0);
    if (answer?.kind !== 'held') return t.fail(`${status}`);
    t.is(answer.body.toString(), '<p>access_token=[redacted]</p>');
    t.deepEqual(answer.head.headers.slice(-2), ['content-length', String(answer.body.length)]);
    t.false(answer.head.headers.includes('etag'));
    t.is(answer.verdict.errcode, undefined);
  }
  return undefined;
});

test('the head of a stream is passed on with the stand-in in place of our token', (t) => {
  const headers = ['Location', `/a?access_token=${TOKEN}`, `X-${TOKEN}`, '1', 'X-Other', '%41'];
  const { passedOn, headers: sent } = relay(QUOTES, [], headers, 200, [new Secret(TOKEN)]);
  t.true(passedOn.equals(QUOTES));
  t.deepEqual(sent, ['OK', 'Location', '/a?access_token=STAND-IN', 'X-Other', '%41']);
});

test('a page that claims a coding is read both ways', (t) => {
  for (const coding of ['deflate', 'br', 'gzip']) {
    const { answer } = relay(QUOTES, [], ['content-encoding', coding], 404, [new Secret(TOKEN)]);
    t.is(answer?.kind === 'held' && answer.body.toString(), '<p>access_token=[redacted]</p>', coding);
  }
});

test('a page over 16 KiB is not held, and neither is a response without a token of ours', (t) => {
  const large = Buffer.alloc(16_385, 'x');
  t.true(relay(large, [100], [], 404, [new Secret(TOKEN)]).passedOn.equals(large));
  t.is(relay(large.subarray(1), [100], [], 404, [new Secret(TOKEN)]).answer?.kind, 'held');
  t.true(relay(QUOTES, [], ['content-length', String(QUOTES.length)], 404).passedOn.equals(QUOTES));
});
