import {
  BODY,
  CHUNK,
  chunked,
  framed,
  response,
  type Right,
  type Row,
  STRICT,
  WHOLE,
  FIN,
} from './odd-row.ts';

const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** A head of exactly so many bytes. */
function headOf(bytes: number): string {
  const rest = framed(`X-Long: \r\n${LENGTH}`, '').length;
  return framed(`X-Long: ${'x'.repeat(bytes - rest)}\r\n${LENGTH}`);
}

function fewHeaders(count: number): string[] {
  return Array.from({ length: count }, (_, index) => [`X-${index}`, String(index)]).flat();
}

function linesOf(headers: readonly string[]): string {
  return headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
}

const saying = (...headers: string[]): Right => ({ status: 200, body: BODY, headers });

/** Interim responses, status lines, header fields and their limits, and what is no HTTP/1.1. */
export const ODD_HEADS: readonly Row[] = [
  { name: '100 that nobody asked for', sends: [CONTINUE + response()], right: WHOLE, after: 'kept' },
  {
    name: '100 twice, in pieces',
    sends: [CONTINUE, 5, CONTINUE, 5, response()],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: '100 that the caller asked us for',
    sends: [CONTINUE, response()],
    right: WHOLE,
    after: 'kept',
    request: 'expect',
  },
  { name: '100 without a word', sends: ['HTTP/1.1 100\r\n\r\n', response()], right: WHOLE, after: 'kept' },
  {
    name: '100 with a length, and no body',
    sends: ['HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n', response()],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: '102 again and again',
    sends: ['HTTP/1.1 102 Processing\r\n\r\n'.repeat(100), response()],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: '103 with links',
    sends: ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n', response()],
    right: WHOLE,
    after: 'kept',
  },
  { name: '199', sends: ['HTTP/1.1 199 Odd\r\n\r\n', response()], right: WHOLE, after: 'kept' },
  { name: '100 and no more', sends: [CONTINUE], right: 'upstream_timeout', after: 'closed', isLate: true },
  { name: '100 and the end', sends: [CONTINUE, FIN], right: 'upstream_broken', after: 'closed' },
  {
    name: '101 that nobody asked for',
    sends: ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'more interim responses than a server has reason for',
    sends: ['HTTP/1.1 102 Processing\r\n\r\n'.repeat(101), response()],
    right: 'upstream_broken',
    after: 'closed',
    passing: {
      right: WHOLE,
      after: 'kept',
      why: 'Node reads past any number; the answer time limit ends them',
    },
  },

  { name: 'an empty reason', sends: [`HTTP/1.1 200 \r\n${LENGTH}\r\n${BODY}`], right: WHOLE, after: 'kept' },
  { name: 'no reason', sends: [`HTTP/1.1 200\r\n${LENGTH}\r\n${BODY}`], right: WHOLE, after: 'kept' },
  {
    name: 'a reason in Latin-1',
    sends: [response('', BODY, '200 d\u00e9j\u00e0 vu')],
    right: { status: 200, body: BODY, reason: 'd\u00e9j\u00e0 vu' },
    after: 'kept',
  },
  {
    name: 'a control character in the reason',
    sends: [response('', BODY, '200 O\u0001K')],
    right: { status: 200, body: BODY, reason: 'OK' },
    after: 'kept',
  },
  {
    name: 'status 600',
    sends: [response('', BODY, '600 Odd')],
    right: { status: 600, body: BODY },
    after: 'kept',
  },
  {
    name: 'status 999',
    sends: [response('', BODY, '999 Odd')],
    right: { status: 999, body: BODY },
    after: 'kept',
  },
  { name: 'status 1000', sends: [response('', BODY, '1000 Odd')], right: 'upstream_broken', after: 'closed' },
  { name: 'status 099', sends: [response('', BODY, '099 Odd')], right: 'upstream_broken', after: 'closed' },
  { name: 'status 20', sends: [response('', BODY, '20 Odd')], right: 'upstream_broken', after: 'closed' },
  {
    name: 'status 000 and no body',
    sends: ['HTTP/1.1 000 Odd\r\n\r\n'],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'a status with a sign',
    sends: [response('', BODY, '-20 Odd')],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'HTTP/1.2',
    sends: [`HTTP/1.2 200 OK\r\n${LENGTH}\r\n${BODY}`],
    right: WHOLE,
    after: 'kept',
    passing: { right: 'upstream_broken', after: 'closed', why: STRICT },
  },
  {
    name: 'HTTP/2.0 in a status line',
    sends: [`HTTP/2.0 200 OK\r\n${LENGTH}\r\n${BODY}`],
    right: 'upstream_broken',
    after: 'closed',
    passing: { right: WHOLE, why: "Node's parser reads it as HTTP/1.0" },
  },
  {
    name: 'the frames of HTTP/2',
    sends: ['\0\0\u0012\u0004\0\0\0\0\0\0\u0003\0\0\0d\0\u0004\0\0\u00ff\u00ff\0\u0005\0\0@\0'],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'the preface of HTTP/2',
    sends: ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    right: 'upstream_broken',
    after: 'closed',
  },
  { name: 'HTTP/0.9', sends: ['<html>hello</html>', FIN], right: 'upstream_broken', after: 'closed' },
  { name: 'junk', sends: ['nonsense\r\n\r\n'], right: 'upstream_broken', after: 'closed' },
  {
    name: 'the banner of SSH',
    sends: ['SSH-2.0-OpenSSH_9.6\r\n'],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'an alert of TLS',
    sends: ['\u0015\u0003\u0001\0\u0002\u0002\u0016'],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'an empty line before the status line',
    sends: [`\r\n${response()}`],
    right: 'upstream_broken',
    after: 'closed',
    passing: { right: WHOLE, after: 'kept', why: "Node's parser skips it" },
  },

  { name: 'a head of 1 KiB', sends: [headOf(1_024)], right: WHOLE, after: 'kept' },
  { name: 'a head of 16 KiB', sends: [headOf(16_384)], right: WHOLE, after: 'kept' },
  { name: 'a head of 17 KiB', sends: [headOf(17_408)], right: WHOLE, after: 'kept' },
  { name: 'a head of 63 KiB', sends: [headOf(64_512)], right: WHOLE, after: 'kept' },
  { name: 'a head of 64 KiB', sends: [headOf(65_536)], right: WHOLE, after: 'kept' },
  { name: 'a head of 65 KiB', sends: [headOf(66_560)], right: 'upstream_broken', after: 'closed' },
  {
    name: 'a head without end',
    sends: [framed(`X: ${'x'.repeat(70_000)}`, '')],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: '1,500 headers',
    sends: [framed(linesOf(fewHeaders(1_500)) + LENGTH)],
    right: saying(...fewHeaders(1_500)),
    after: 'kept',
  },
  {
    name: 'headers of one name, in order',
    sends: [response('Set-Cookie: a=1\r\nset-cookie: b=2\r\nX-A: 1\r\nSet-Cookie: c=3\r\n')],
    right: saying('Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'X-A', '1', 'Set-Cookie', 'c=3'),
    after: 'kept',
  },
  {
    name: 'a folded header',
    sends: [response('X-Folded: a\r\n  b\r\n')],
    right: saying('X-Folded', 'a b'),
    after: 'kept',
    passing: { right: 'upstream_broken', after: 'closed', why: STRICT },
  },
  {
    name: 'a fold before any header',
    sends: [framed(` x\r\n${LENGTH}`)],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'lines that end in LF alone',
    sends: [response().replaceAll('\r\n', '\n')],
    right: WHOLE,
    after: 'kept',
    passing: { right: 'upstream_broken', after: 'closed', why: STRICT },
  },
  {
    name: 'a bare CR in a value',
    sends: [response('X: a\rb\r\n')],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'a bare CR at the end of a line',
    sends: [response('X: a\rY: b\r\n')],
    right: 'upstream_broken',
    after: 'closed',
  },
  { name: 'NUL in a value', sends: [response('X: a\0b\r\n')], right: 'upstream_broken', after: 'closed' },
  {
    name: 'other control characters in a value',
    sends: [response('X-Odd: a\u0001\u007fb\r\n')],
    right: saying('X-Odd', 'ab'),
    after: 'kept',
    passing: { right: 'upstream_broken', after: 'closed', why: STRICT },
  },
  {
    name: 'a value in Latin-1',
    sends: [response('X-Odd: \u00e9\u00ff\r\n')],
    right: saying('X-Odd', '\u00e9\u00ff'),
    after: 'kept',
  },
  {
    name: 'a value in UTF-8 that ends in what Unicode calls a space',
    sends: [response('X-Odd: \u00c3\u00a0\r\n')],
    right: saying('X-Odd', '\u00c3\u00a0'),
    after: 'kept',
  },
  {
    name: 'a value with a tab',
    sends: [response('X-Odd: a\tb\r\n')],
    right: saying('X-Odd', 'a\tb'),
    after: 'kept',
  },
  { name: 'an empty value', sends: [response('X-Odd:\r\n')], right: saying('X-Odd', ''), after: 'kept' },
  {
    name: 'a header without a colon',
    sends: [response('Nonsense\r\n')],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'a header without a name',
    sends: [response(': x\r\n')],
    right: 'upstream_broken',
    after: 'closed',
  },
  { name: 'a name with a space', sends: [response('A B: x\r\n')], right: 'upstream_broken', after: 'closed' },
  {
    name: 'a name with a control character',
    sends: [response('A\u0001: x\r\n')],
    right: 'upstream_broken',
    after: 'closed',
  },
  {
    name: 'a space before the colon',
    sends: [response('X-Odd : x\r\n')],
    right: saying('X-Odd', 'x'),
    after: 'kept',
    passing: { right: 'upstream_broken', after: 'closed', why: STRICT },
  },
  {
    name: 'what only we may say',
    sends: [response('X-Wechat-Sidecar-Error: forged\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Odd: 1\r\n')],
    right: saying('X-Odd', '1'),
    after: 'kept',
  },
  {
    name: 'chunks and a keep-alive header',
    sends: [chunked(`${CHUNK}0\r\n\r\n`, 'Keep-Alive: timeout=5\r\n')],
    right: WHOLE,
    after: 'kept',
  },
];
