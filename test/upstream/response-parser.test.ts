import test from 'ava';
import * as fc from 'fast-check';
import { KnownHeads } from '../../src/upstream/known-heads.ts';
import { ResponseError, type ResponseHead } from '../../src/upstream/response-head.ts';
import { HEAD_BYTES_MAX, ResponseParser } from '../../src/upstream/response-parser.ts';

interface Read {
  readonly heads: ResponseHead[];
  readonly body: string;
  readonly trailers: string[] | undefined;
  readonly isTainted: boolean;
  readonly error: string | undefined;
}

/** Reads the pieces, and then the end of the connection. `known` are the heads that were read before. */
function read(pieces: readonly (string | Buffer)[], method = 'GET', known?: KnownHeads): Read {
  const heads: ResponseHead[] = [];
  const chunks: Buffer[] = [];
  let trailers: string[] | undefined;
  const handler = {
    // How it was found is left out.
    onHead: (head: ResponseHead): void => void heads.push({ ...head, derived: undefined, like: undefined }),
    onData: (chunk: Buffer): void => void chunks.push(chunk),
    onEnded: (found: string[]): void => void (trailers = found),
  };
  const parser = new ResponseParser(method, handler, known);
  let error: string | undefined;
  try {
    for (const piece of pieces) parser.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    parser.end();
  } catch (thrown) {
    if (!(thrown instanceof ResponseError)) throw thrown;
    error = thrown.code;
  }
  return {
    heads,
    body: Buffer.concat(chunks).toString('latin1'),
    trailers,
    isTainted: parser.isTainted,
    error,
  };
}

const OK = 'HTTP/1.1 200 OK\r\n';

/** What is sent, and what is to be read: the body, whether the connection may be kept, trailers. */
const WHOLE: readonly (readonly [
  name: string,
  sent: string,
  body: string,
  keepAlive: boolean,
  trailers?: string[],
])[] = [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello', true],
  ['no body', `${OK}Content-Length: 0\r\n\r\n`, '', true],
  ['two equal lengths', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, 'hello', true],
  ['a list of equal lengths', `${OK}Content-Length: 5, 5\r\n\r\nhello`, 'hello', true],
  ['a length with spaces around it', `${OK}Content-Length:   5  \r\n\r\nhello`, 'hello', true],
  ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 'hello', true],
  ['chunks in upper case', `${OK}TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'hello', true],
  [
    'chunk extensions',
    `${OK}Transfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n`,
    'hello',
    true,
  ],
  [
    'chunks with trailers',
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: 1\r\nB: 2\r\n\r\n`,
    'hello',
    true,
    ['A', '1', 'B', '2'],
  ],
  ['chunks with LF alone', `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n`, 'hello', true],
  [
    'a hex size in both cases',
    `${OK}Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n`,
    '01234567890123456789',
    true,
  ],
  [
    'chunks and a length',
    `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'hello',
    false,
  ],
  ['neither', `${OK}\r\nhello`, 'hello', false],
  ['neither, and empty', `${OK}\r\n`, '', false],
  ['another transfer coding', `${OK}Transfer-Encoding: gzip\r\n\r\nhello`, 'hello', false],
  ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'hello', true],
  ['Connection: close', `${OK}Connection: close\r\nContent-Length: 5\r\n\r\nhello`, 'hello', false],
  ['Connection: x, Close', `${OK}Connection: x, Close\r\nContent-Length: 5\r\n\r\nhello`, 'hello', false],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello', false],
  [
    'HTTP/1.0 that is kept',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello',
    'hello',
    true,
  ],
  [
    'HTTP/1.0 with chunks',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'hello',
    false,
  ],
  ['LF alone', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello', 'hello', true],
  ['CRLF and LF mixed', 'HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello', 'hello', true],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello', 'hello', true],
  ['an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello', 'hello', true],
  ['a folded header', `${OK}X: a\r\n  b\r\nContent-Length: 5\r\n\r\nhello`, 'hello', true],
  ['a space before the colon', `${OK}Content-Length : 5\r\n\r\nhello`, 'hello', true],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', '', true],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', '', true],
  ['an unasked 100', `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`, 'hello', true],
  [
    '102, 103 and a header in them',
    `HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`,
    'hello',
    true,
  ],
];

const FAULTY: readonly (readonly [name: string, sent: string, error: string])[] = [
  ['nothing', '', 'closed'],
  ['half a head', `${OK}Content-Le`, 'closed'],
  ['less than the length', `${OK}Content-Length: 5\r\n\r\nhel`, 'cut_off'],
  ['chunks without the last', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'cut_off'],
  ['half the trailers', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\n`, 'cut_off'],
  [
    'two different lengths',
    `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    'conflicting_lengths',
  ],
  ['a list of different lengths', `${OK}Content-Length: 5, 6\r\n\r\nhello`, 'conflicting_lengths'],
  ['a negative length', `${OK}Content-Length: -5\r\n\r\n`, 'invalid_length'],
  ['a length with a sign', `${OK}Content-Length: +5\r\n\r\nhello`, 'invalid_length'],
  ['a length in hex', `${OK}Content-Length: 0x5\r\n\r\nhello`, 'invalid_length'],
  ['an empty length', `${OK}Content-Length: \r\n\r\nhello`, 'invalid_length'],
  ['chunked twice', `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 'invalid_framing'],
  [
    'chunked that is not the last',
    `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    'invalid_framing',
  ],
  ['a chunk size that is none', `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, 'invalid_chunk'],
  ['a negative chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\n`, 'invalid_chunk'],
  [
    'a chunk longer than its size',
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`,
    'invalid_chunk',
  ],
  ['a header without a colon', `${OK}Nonsense\r\n\r\n`, 'invalid_head'],
  ['a header without a name', `${OK}: x\r\n\r\n`, 'invalid_head'],
  ['a name with a space', `${OK}A B: x\r\n\r\n`, 'invalid_head'],
  ['a NUL in a value', `${OK}A: x\u0000y\r\n\r\n`, 'invalid_head'],
  ['a CR in a value', `${OK}A: x\ry\r\n\r\n`, 'invalid_head'],
  ['a fold before any header', `${OK} x: y\r\n\r\n`, 'invalid_head'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'no_http'],
  ['HTTP/2 in a status line', 'HTTP/2 200\r\n\r\n', 'no_http'],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001', 'no_http'],
  ['a page without a head', '<html>', 'no_http'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'no_http'],
  [
    'an unasked switch of protocols',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    'unasked_upgrade',
  ],
  ['interim responses without end', 'HTTP/1.1 102 P\r\n\r\n'.repeat(101), 'too_many_interim_responses'],
  ['a head over 64 KiB', `${OK}A: ${'x'.repeat(HEAD_BYTES_MAX)}\r\n\r\n`, 'head_too_large'],
  [
    'trailers over 64 KiB',
    `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nA: ${'x'.repeat(HEAD_BYTES_MAX)}`,
    'head_too_large',
  ],
  [
    'a chunk size line over 4 KiB',
    `${OK}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(5_000)}`,
    'invalid_chunk',
  ],
];

/** The same bytes in one piece, byte by byte, and cut at each third. */
function cuts(sent: string): string[][] {
  const thirds = [sent.slice(0, sent.length / 3), sent.slice(sent.length / 3, (sent.length * 2) / 3)];
  return [
    [sent],
    sent.length < 5_000 ? sent.split('') : [sent],
    [...thirds, sent.slice((sent.length * 2) / 3)],
  ];
}

for (const [name, sent, body, keepAlive, trailers = []] of WHOLE) {
  test(`a response with ${name} is read`, (t) => {
    for (const pieces of cuts(sent)) {
      const found = read(pieces);
      t.is(found.error, undefined);
      t.is(found.heads.length, 1);
      t.is(found.body, body);
      t.is(found.heads[0]?.keepAlive, keepAlive);
      t.deepEqual(found.trailers, trailers);
      t.false(found.isTainted);
    }
  });
}

for (const [name, sent, error] of FAULTY) {
  test(`a response with ${name} is refused`, (t) => {
    for (const pieces of cuts(sent)) t.is(read(pieces).error, error);
  });
}

test('the response to a HEAD has no body, whatever its headers say', (t) => {
  for (const header of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
    const found = read([`${OK}${header}\r\n\r\n`], 'HEAD');
    t.is(found.error, undefined);
    t.is(found.body, '');
  }
});

test('bytes after the end of a response make its connection unusable', (t) => {
  const found = read([`${OK}Content-Length: 2\r\n\r\nok`, 'HTTP/1.1 200 OK\r\n\r\n']);
  t.is(found.body, 'ok');
  t.true(found.isTainted);
});

test('a folded value is joined by a space, and names keep their spelling', (t) => {
  const found = read([
    `${OK}X-Odd: a\r\n\tb \r\nContent-Length: 0\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n`,
  ]);
  t.deepEqual(found.heads[0]?.headers, [
    'X-Odd',
    'a b',
    'Content-Length',
    '0',
    'Set-Cookie',
    'a',
    'set-cookie',
    'b',
  ]);
});

test('a head of just under 64 KiB is read', (t) => {
  const value = 'x'.repeat(HEAD_BYTES_MAX - OK.length - 'A: \r\nContent-Length: 0\r\n\r\n'.length);
  t.is(read([`${OK}A: ${value}\r\nContent-Length: 0\r\n\r\n`]).error, undefined);
});

test('the time for which a server keeps connections is read', (t) => {
  t.is(
    read([`${OK}Keep-Alive: timeout=5, max=100\r\nContent-Length: 0\r\n\r\n`]).heads[0]?.keepAliveMs,
    5_000,
  );
});

test('a response is read the same however it is split', (t) => {
  const sent = fc.oneof(
    ...WHOLE.map(([, each]) => fc.constant(each)),
    ...FAULTY.slice(0, 28).map(([, each]) => fc.constant(each)),
  );
  fc.assert(
    fc.property(sent, fc.array(fc.nat(400), { maxLength: 12 }), (text, places) => {
      const marks = [...new Set(places.map((place) => place % (text.length + 1)))].toSorted((a, b) => a - b);
      const pieces = [0, ...marks].map((from, index) => text.slice(from, [...marks, text.length][index]));
      t.deepEqual(read(pieces), read([text]));
    }),
    { numRuns: 500 },
  );
});

test('a response is read the same whatever was read before it', (t) => {
  const sent = fc.constantFrom(...WHOLE.map(([, each]) => each), ...FAULTY.map(([, each]) => each));
  // Some have the same beginning, or differ from the one before in one character.
  const similar = fc.tuple(sent, fc.nat(120), fc.constantFrom('', 'x', '7', '12', '\n', '\r\n'));
  const known = new KnownHeads();
  fc.assert(
    fc.property(fc.array(similar, { minLength: 2, maxLength: 8 }), (responses) => {
      for (const [text, at, put] of responses) {
        const place = at % (text.length + 1);
        for (const given of [text, text.slice(0, place) + put + text.slice(place + put.length), text]) {
          t.deepEqual(read([given], 'GET', known), read([given]), JSON.stringify(given));
        }
      }
    }),
    { numRuns: 500 },
  );
});
