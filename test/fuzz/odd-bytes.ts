import { Chance } from '../simulation/chance.ts';

/** What a server sends: bytes in pieces, to a request by this method. */
export interface Sent {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Latin-1. */
  readonly pieces: readonly string[];
}

const STATUSES = [
  '200 OK',
  '200',
  '201 Created',
  '204 No Content',
  '206 Part',
  '304 Not Modified',
  '404 ',
  '500 Odd  reason',
  '599 d\u00e9j\u00e0',
  '600 x',
  '999 x',
];
const ODD_STATUSES = ['99 x', '1000 x', '000 x', '2x0 x', '', '101 Switching Protocols'];
const INTERIM = ['100 Continue', '100', '102 Processing', '103 Early Hints', '199 x'];
const NAMES = [
  'X-A',
  'x-a',
  'Content-Type',
  'Server',
  'Set-Cookie',
  'Date',
  'Via',
  'Location',
  'ETag',
  'X_1',
  "!#$%&'*+.^`|~",
];
const VALUES = [
  '1',
  '',
  'a b',
  'text/html; charset=utf-8',
  '"quoted, and; so"',
  '\u00e9\u00ff',
  '\u00c3\u00a0',
  'a\tb',
  'x'.repeat(300),
];
const ODD_VALUES = ['a\u0001b', 'a\0b', 'a\rb', '\u007f', ' \t '];
const CONNECTIONS = [
  'close',
  'keep-alive',
  'Close',
  'x, close',
  'keep-alive, close',
  'x-close',
  'upgrade',
  'Keep-Alive, x',
];
const KEEP_ALIVES = ['timeout=5', 'timeout=1, max=3', 'max=1', 'timeout=x', 'timeout=0'];
const CODINGS = [
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  'chunked, chunked',
  'gzip',
  'x',
  '',
  'chunked,',
  'chunked ',
];
const SPLICES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\n\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '\0',
  '0',
  '5',
  'f',
  '-',
  '+',
  'HTTP/1.1 200 OK\r\n\r\n',
  'HTTP/1.0 ',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  '\u00ff',
  '\u0001',
];

/** A response out of a grammar, at times spoilt, cut anywhere. */
export function drawSent(seed: number): Sent {
  const chance = new Chance(seed, 'upstream');
  const method = chance.weighted({ GET: 6, POST: 2, HEAD: 1 });
  let bytes = drawResponse(chance, method);
  if (chance.happens(0.1)) bytes += drawResponse(chance, 'GET');
  if (chance.happens(0.05)) bytes += chance.one(SPLICES);
  if (chance.happens(0.5))
    for (let left = chance.whole(1, 3); left > 0; left -= 1) bytes = spoilt(chance, bytes);
  return { method, pieces: cut(chance, bytes) };
}

function drawResponse(chance: Chance, method: string): string {
  let bytes = '';
  while (chance.happens(0.15)) bytes += `HTTP/1.1 ${chance.one(INTERIM)}\r\n${drawFields(chance, 2)}\r\n`;
  const status = chance.happens(0.03) ? chance.one(ODD_STATUSES) : chance.one(STATUSES);
  const version = chance.weighted({
    'HTTP/1.1': 20,
    'HTTP/1.0': 5,
    'HTTP/1.2': 1,
    'HTTP/2.0': 1,
    'HTTP/0.9': 1,
  });
  const body = 'abcdefghij'.repeat(chance.whole(0, 4)).slice(0, chance.whole(0, 40));
  const framing = chance.weighted({ length: 10, chunked: 10, both: 1, close: 3, none: 1 });
  bytes += `${version} ${status}\r\n${drawFields(chance, 4)}`;
  if (chance.happens(0.3)) bytes += `Connection: ${chance.one(CONNECTIONS)}\r\n`;
  if (chance.happens(0.1)) bytes += `Keep-Alive: ${chance.one(KEEP_ALIVES)}\r\n`;
  if (framing === 'length' || framing === 'both') bytes += drawLength(chance, body.length);
  if (framing === 'chunked' || framing === 'both') {
    const coding = chance.happens(0.85) ? 'chunked' : chance.one(CODINGS);
    bytes += `Transfer-Encoding: ${coding}\r\n${chance.happens(0.03) ? 'Transfer-Encoding: chunked\r\n' : ''}`;
  }
  bytes += `${drawFields(chance, 1)}\r\n`;
  const isEmpty = method === 'HEAD' || /^(?:204|304)/.test(status);
  if (isEmpty && chance.happens(0.9)) return bytes;
  return bytes + (framing === 'chunked' || framing === 'both' ? drawChunks(chance, body) : body);
}

function drawLength(chance: Chance, right: number): string {
  const value = chance.happens(0.85)
    ? String(right)
    : chance.one([
        `00${right}`,
        ` ${right} `,
        `${right}, ${right}`,
        `+${right}`,
        `-${right}`,
        `0x${right}`,
        '',
        String(right + 1),
        String(Math.max(0, right - 1)),
        '99999999999999999999',
        `${right}\u00a0`,
      ]);
  const line = `Content-Length: ${value}\r\n`;
  return chance.happens(0.04) ? line + line : line;
}

function drawFields(chance: Chance, max: number): string {
  let text = '';
  for (let left = chance.whole(0, max); left > 0; left -= 1) {
    const value = chance.happens(0.03) ? chance.one(ODD_VALUES) : chance.one(VALUES);
    const colon = chance.weighted({ ': ': 30, ':': 5, ':  \t': 2, ' : ': 1, ' ': 1 });
    const end = chance.weighted({ '\r\n': 60, ' \r\n': 3, '\n': 1, '\r\n folded\r\n': 1, '\r\n\t\r\n': 1 });
    text += chance.one(NAMES) + colon + value + end;
  }
  return text;
}

function drawChunks(chance: Chance, body: string): string {
  let text = '';
  for (let at = 0; at < body.length;) {
    const piece = body.slice(at, at + chance.whole(1, 20));
    at += piece.length;
    const size = piece.length.toString(16);
    const written = chance.happens(0.9)
      ? size
      : chance.one([
          size.toUpperCase(),
          `0${size}`,
          `${size} `,
          `${size};a=b`,
          `${size};a="b;c"`,
          `${size} ; x`,
          `0x${size}`,
          `${size};`,
          `-${size}`,
        ]);
    text += `${written}\r\n${piece}\r\n`;
  }
  const last = chance.weighted({ '0': 20, '000': 1, '0;x=y': 1 });
  return `${text}${last}\r\n${chance.happens(0.3) ? drawFields(chance, 2) : ''}\r\n`;
}

function spoilt(chance: Chance, bytes: string): string {
  const at = chance.whole(0, bytes.length);
  const upTo = Math.min(bytes.length, at + chance.whole(1, 6));
  switch (chance.weighted({ insert: 4, remove: 3, replace: 3, repeat: 2, end: 2, unix: 1 })) {
    case 'insert':
      return bytes.slice(0, at) + chance.one(SPLICES) + bytes.slice(at);
    case 'remove':
      return bytes.slice(0, at) + bytes.slice(upTo);
    case 'replace':
      return bytes.slice(0, at) + String.fromCharCode(chance.whole(0, 255)) + bytes.slice(at + 1);
    case 'repeat':
      return bytes.slice(0, upTo) + bytes.slice(at);
    case 'end':
      return bytes.slice(0, at);
    case 'unix':
      return bytes.replaceAll('\r\n', '\n');
  }
}

function cut(chance: Chance, bytes: string): string[] {
  const count = chance.weighted({ '0': 3, '1': 3, '3': 2, '10': 1, all: 1 });
  if (count === 'all') return bytes.match(/[^]/g) ?? [];
  const marks = Array.from({ length: Number(count) }, () => chance.whole(0, bytes.length)).toSorted(
    (a, b) => a - b,
  );
  return [0, ...marks]
    .map((from, index) => bytes.slice(from, [...marks, bytes.length][index]))
    .filter(Boolean);
}
