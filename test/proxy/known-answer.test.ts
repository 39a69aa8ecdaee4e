import test from 'ava';
import fc from 'fast-check';
import { knownAnswerOf } from '../../src/proxy/known-answer.ts';
import { PlainResponse, type ResponseWire } from '../../src/server/plain-response.ts';
import { KnownHeads } from '../../src/upstream/known-heads.ts';

const DATES = ['Fri, 27 Nov 2026 19:00:00 GMT', 'Fri, 27 Nov 2026 19:00:01 GMT'];

/** A response as a platform or a gateway may send it, and what its caller is to get with it. */
const responses = fc.record({
  status: fc.constantFrom('200 OK', '200 ', '404 Not Found', '204 No Content', '304 Not Modified'),
  length: fc.oneof(
    fc.constantFrom('0', '5', '27', '41', '99', '007', '123', '2048'),
    // The value goes on in the next line.
    fc.constantFrom('5\r\n , 5', '7\r\n , 5', '5\r\n\t,5', '27\r\n '),
  ),
  name: fc.constantFrom('Content-Length', 'content-length', 'CONTENT-LENGTH'),
  before: fc.constantFrom('', 'X-Content-Length: 41\r\n', 'ETag: "41"\r\n', 'Set-Cookie: a=41\r\n'),
  date: fc.constantFrom('', ...DATES.map((date) => `Date: ${date}\r\n`)),
  after: fc.constantFrom(
    '',
    'Connection: keep-alive\r\n',
    'Content-Type: text/html\r\n',
    'Content-Length: 41\r\n',
  ),
  further: fc.constantFrom(
    'x-wechat-sidecar: 1; app=wx1; replay=0\r\n',
    'x-wechat-sidecar: 1; app=wx2; replay=1\r\n',
  ),
  isLast: fc.boolean(),
});

type Response = typeof responses extends fc.Arbitrary<infer Each> ? Each : never;

/** What the caller gets; or the error. */
function relayed(
  { status, name, length, before, date, after, further, isLast }: Response,
  known: KnownHeads,
): string {
  const text = `HTTP/1.1 ${status}\r\n${before}${name}: ${length}\r\n${date}${after}\r\n`;
  const written: Buffer[] = [];
  const wire: ResponseWire = {
    isLast,
    hasMore: false,
    keepAlive: 'Connection: keep-alive\r\n',
    write: (bytes) => written.push(Buffer.from(bytes)) > 0,
    writeTogether: (...pieces) => written.push(Buffer.concat(pieces)) > 0,
    ended() {},
    destroy() {},
    date: () => 'now',
  };
  try {
    const again = known.again(Buffer.from(`${text}{"errcode":0}`));
    const head = again?.head ?? known.read(text);
    const { reason, lines, announcedBytes, isHtml, charsMax } = knownAnswerOf(
      head.reason,
      head.headers,
      head,
    );
    const response = new PlainResponse(wire);
    response.writeLines(head.status, reason, lines, further);
    response.end(Buffer.from('{"errcode":0}'));
    const facts = [head.framing, head.keepAlive, head.headers, announcedBytes, isHtml, charsMax];
    return `${Buffer.concat(written).toString('latin1')} ${JSON.stringify(facts)}`;
  } catch (error) {
    return String(error);
  }
}

test('a caller gets the same response whatever was answered before', (t) => {
  const known = new KnownHeads();
  fc.assert(
    fc.property(fc.array(responses, { minLength: 3, maxLength: 12 }), (all) => {
      for (const each of all) t.is(relayed(each, known), relayed(each, new KnownHeads()));
    }),
    { numRuns: 1_500 },
  );
});

test('a response that differs in its length alone is not read anew, but has its own length', (t) => {
  const known = new KnownHeads();
  const head = (length: number): string =>
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const first = known.read(head(41));
  const second = known.read(head(27));
  t.is(second.like, first);
  t.deepEqual(second.headers, ['Content-Type', 'application/json', 'Content-Length', '27']);
  t.is(second.framing, 27);
  // Another number of digits, and a length that is given twice, are read anew.
  t.is(known.read(head(127)).like, undefined);
  const twice = (length: number): string =>
    `HTTP/1.1 200 OK\r\nContent-Length: 41\r\nContent-Length: ${length}\r\n\r\n`;
  t.is(known.read(twice(41)).framing, 41);
  t.throws(() => known.read(twice(27)), { message: /conflicting_lengths/ });
});
