import fc from 'fast-check';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { rawConnection } from './raw-call.ts';
import { type Lanes, LATER, NOW, type Seen } from './two-lanes.ts';

const LINES = [
  'Host: localhost',
  'host:localhost',
  'Host: a, b',
  'X-A: 1',
  'X-a:2',
  'X-Odd : 1',
  ' folded',
  'Content-Length: 3',
  'content-length:  3 ',
  'Content-Length: 3, 3',
  'Content-Length: +3',
  'Content-Length: 0x3',
  'Content-Length: 4',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\x0bchunked',
  'Connection: close',
  'Connection: Keep-Alive',
  'Connection: close, X-A',
  'Expect: 100-continue',
  'Upgrade: h2c',
  'TE: trailers',
  'Trailer: X',
  'X-Control: a\x01b',
  'X-High: \xe4\xff',
  'X-Cr: a\rb',
  'X-Nul: a\0b',
  ': empty',
  'no colon',
];
const line = fc.oneof(
  { weight: 4, arbitrary: fc.constant(LINES[0] as string) },
  { weight: 5, arbitrary: fc.constantFrom(...LINES) },
);
const lineEnd = fc.oneof(
  { weight: 30, arbitrary: fc.constant('\r\n') },
  fc.constantFrom('\n', '\r', '\r\r\n', ''),
);
const target = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('/a', '/b?c=d', NOW, LATER, '/general', 'http://localhost/x', '/%41'),
  },
  fc.constantFrom('*', '/a b', '/\xe4', '', '//x', '/#f', '/\x7f'),
);
const method = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('GET', 'POST') },
  fc.constantFrom('PUT', 'get', 'G ET', 'HEAD', 'GETX', ''),
);
const version = fc.oneof(
  { weight: 14, arbitrary: fc.constant(' HTTP/1.1') },
  fc.constantFrom(' HTTP/1.0', ' HTTP/1.2', '', ' http/1.1', '  HTTP/1.1', ' HTTP/1.1 '),
);
const BODIES = [
  '',
  '',
  'abc',
  'abcd',
  '3\r\nabc\r\n0\r\n\r\n',
  '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n',
  '03;x=y\r\nabc\r\n0\r\n\r\n',
  '3\r\nabc\r\n0\r\nX: t\r\n\r\n',
  '3\nabc\n0\n\n',
  '3\r\nabcd\r\n0\r\n\r\n',
  '-3\r\nabc\r\n0\r\n\r\n',
  '0x3\r\nabc\r\n0\r\n\r\n',
  '3 \r\nabc\r\n0\r\n\r\n',
  'fffffffff\r\nabc',
];

const plainRequest = fc
  .record({ url: fc.constantFrom(NOW, LATER, '/a'), hasBody: fc.boolean() })
  .map(({ url, hasBody }) =>
    hasBody
      ? `POST ${url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc`
      : `GET ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );

const PLAIN = /^(?:GET|POST) \S+ HTTP\/1\.1\r\nHost: localhost\r\n(?:Content-Length: 3\r\n\r\nabc|\r\n)$/;

/** A request that most readers take, or one with something odd about it. */
const oddRequest = fc
  .record({
    method,
    target,
    version,
    lines: fc.array(fc.tuple(line, lineEnd), { minLength: 1, maxLength: 5 }),
    lineEnd,
    headEnd: lineEnd,
    body: fc.constantFrom(...BODIES),
  })
  .map(
    (it) =>
      `${it.method} ${it.target}${it.version}${it.lineEnd}` +
      `${it.lines.map(([text, end]) => text + end).join('')}${it.headEnd}${it.body}`,
  );

/** How long the express lane waits for the rest of a request here. */
const WAIT_MS = 2;

/** For a listener that is soon tired of waiting for the rest of a request. */
export const hastyClock: Clock = {
  ...systemClock,
  after: (delayMs, run) => systemClock.after(delayMs <= 100 ? WAIT_MS : delayMs, run),
};

/** Where a request is cut: often before its first byte, and anywhere within; and the pauses there. */
const cutsOfOne = fc.record({
  isAlone: fc.boolean(),
  within: fc.option(fc.nat({ max: 200 }), { nil: undefined }),
  pausesMs: fc.tuple(fc.constantFrom(0, 3 * WAIT_MS), fc.constantFrom(0, 0, 3 * WAIT_MS)),
});

/** Bytes of a caller, and the pieces in which they come. */
export const conversation: fc.Arbitrary<Conversation> = fc
  .array(fc.tuple(fc.oneof(plainRequest, oddRequest), cutsOfOne), { minLength: 1, maxLength: 4 })
  .map((requests) => {
    let bytes = '';
    const cuts: Cut[] = [];
    for (const [text, { isAlone, within, pausesMs }] of requests) {
      if (isAlone && bytes !== '') cuts.push({ at: bytes.length, pauseMs: pausesMs[0] });
      if (within !== undefined && within > 0 && within < text.length)
        cuts.push({ at: bytes.length + within, pauseMs: pausesMs[1] });
      bytes += text;
    }
    return { bytes, cuts, isPlain: requests.every(([text]) => PLAIN.test(text)) };
  });

interface Cut {
  readonly at: number;
  /** Before the next piece. */
  readonly pauseMs: number;
}

export interface Conversation {
  readonly bytes: string;
  /** In order. */
  readonly cuts: readonly Cut[];
  /** Both lanes must answer all of it. */
  readonly isPlain?: boolean;
}

/** What came of it in one kind of listener. */
interface Outcome {
  readonly seen: readonly Omit<Seen, 'lane'>[];
  /** The status lines of the responses, and what they say. */
  readonly answers: readonly string[];
  /** The connection was reset, which may cost the caller what it had not read. */
  readonly isReset: boolean;
}

const PATIENCE_MS = 20_000;
const ANSWERED = 'general ';

/** Explains how the lanes differ in what they make of the same bytes; undefined if they do not. */
export async function differenceOf(
  both: readonly [withExpress: Lanes, general: Lanes],
  given: Conversation,
): Promise<string | undefined> {
  const outcomes: Outcome[] = [];
  for (const lanes of both) {
    lanes.seen.length = 0;
    const outcome = await outcomeOf(lanes, given);
    if (outcome === undefined) return `no end within ${PATIENCE_MS} ms`;
    outcomes.push(outcome);
  }
  const [one, other] = outcomes as [Outcome, Outcome];
  const isEqual = given.isPlain === true ? isStrictlySame(one, other) : isSame(one, other);
  if (isEqual && isInOrder(one) && isInOrder(other)) return undefined;
  const [withLane, without] = outcomes.map((outcome) => JSON.stringify(outcome, undefined, 1));
  return `with the express lane ${withLane}\nwithout it ${without}`;
}

/**
 * Where node:http meets something malformed behind a request that was sent ahead, it depends on the tick in which it
 * reads the bytes whether the answer to that request still gets out, or the connection is closed at once; and behind a
 * request that it has refused itself, whether it says so once more. What was read has to be the same, and what was
 * answered the beginning of the same.
 */
function isSame(one: Outcome, other: Outcome): boolean {
  if (JSON.stringify(one.seen) !== JSON.stringify(other.seen)) return false;
  // It says so, or closes although it has read requests that it has not answered.
  const isRefused = other.answers.some(isRefusal) || hasUnanswered(other);
  const isOneCut = isRefused || one.isReset;
  const expected = isOneCut ? other.answers.slice(0, one.answers.length) : other.answers;
  const more = one.answers.slice(expected.length);
  const isOtherCut = other.isReset || hasUnanswered(other) || more.every(isRefusal);
  const answered = isOtherCut ? one.answers.slice(0, expected.length) : one.answers;
  return JSON.stringify(answered) === JSON.stringify(expected);
}

function isStrictlySame({ seen, answers }: Outcome, other: Outcome): boolean {
  return JSON.stringify([seen, answers]) === JSON.stringify([other.seen, other.answers]);
}

function hasUnanswered({ answers, seen }: Outcome): boolean {
  return answers.filter(isStatus).length < seen.length;
}

/** Whether no response overtook another; those to HEAD do not say what they are for. */
function isInOrder({ answers, seen }: Outcome): boolean {
  const urls = seen.map(({ url }) => url);
  let from = 0;
  return answers
    .filter((answer) => !isStatus(answer))
    .every((answer) => {
      from = urls.indexOf(answer.slice(ANSWERED.length), from) + 1;
      return from > 0;
    });
}

function isStatus(answer: string): boolean {
  return answer.startsWith('HTTP/');
}

function isRefusal(answer: string): boolean {
  return answer.startsWith('HTTP/1.1 4');
}

async function outcomeOf(lanes: Lanes, { bytes, cuts }: Conversation): Promise<Outcome | undefined> {
  const caller = await rawConnection(lanes.listener.port);
  let from = 0;
  for (const { at, pauseMs } of [...cuts, { at: bytes.length, pauseMs: 0 }]) {
    if (caller.socket.writable) caller.socket.write(bytes.slice(from, at), 'latin1');
    from = at;
    // The other side, in this process, reads the pieces one by one: sockets are read between two of these.
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
    if (pauseMs > 0) await new Promise((resolve) => void setTimeout(resolve, pauseMs));
  }
  caller.socket.end();
  const timer = setTimeout(() => caller.socket.destroy(new Error('late')), PATIENCE_MS);
  const text = await caller.untilClosed();
  clearTimeout(timer);
  if (caller.socket.errored?.message === 'late') return undefined;
  // What did not come whole is never forwarded: whether its head was shown is no matter.
  const seen = lanes.seen
    .filter(({ body }) => body !== undefined)
    .map(({ method: verb, url, rawHeaders, body }) => ({ method: verb, url, rawHeaders, body }));
  // Interim responses probe a caller that has closed its side, if the machine is slow to answer it.
  const final = text.replaceAll(/^HTTP\/1\.1 100 Continue\r\n\r\n/gm, '').replaceAll(/^express /gm, ANSWERED);
  return {
    seen,
    answers: final.match(/^HTTP\/1\.1 \d+|^general .*/gm) ?? [],
    isReset: caller.socket.errored !== null,
  };
}
