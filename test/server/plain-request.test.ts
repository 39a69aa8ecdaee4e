import test from 'ava';
import fc from 'fast-check';
import { type Fields, KnownFields } from '../../src/server/plain-fields.ts';
import { PLAIN_BODY_BYTES_MAX, type Reading, readPlainRequest } from '../../src/server/plain-request.ts';

const HOST = 'Host: api.weixin.qq.com\r\n';

function kindOf(text: string): string {
  return readPlainRequest(Buffer.from(text, 'latin1'), new KnownFields()).kind;
}

/** Takes a request that has to be plain. */
function read(text: string): {
  method: string;
  url: string;
  body: string;
  raw: readonly string[];
  bytes: number;
} {
  const reading = readPlainRequest(Buffer.from(text, 'latin1'), new KnownFields());
  if (reading.kind !== 'whole') throw new Error(`Cannot be read as a plain request: ${reading.kind}`);
  const { method, url, body, fields } = reading.request;
  return { method, url, body: body.toString('latin1'), raw: fields.rawHeaders, bytes: reading.bytes };
}

test('a plain request is read with its headers unchanged', (t) => {
  const head = `POST /a?b=c HTTP/1.1\r\n${HOST}x-A:  b\tc \r\nEmpty:\r\nContent-Length: 5\r\n\r\n`;
  t.deepEqual(read(`${head}helloNEXT`), {
    method: 'POST',
    url: '/a?b=c',
    body: 'hello',
    raw: ['Host', 'api.weixin.qq.com', 'x-A', 'b\tc', 'Empty', '', 'Content-Length', '5'],
    bytes: head.length + 5,
  });
});

test('a chunked body is joined', (t) => {
  const head = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: Chunked\r\n\r\n`;
  const { body, bytes } = read(`${head}3\r\nhel\r\n02\r\nlo\r\n0\r\n\r\nNEXT`);
  t.is(body, 'hello');
  t.is(bytes, head.length + '3\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n'.length);
});

test('the beginning of a plain request is waited for, byte by byte', (t) => {
  const bodies = [
    'Content-Length: 5\r\n\r\nhello',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    '\r\n',
  ];
  for (const body of bodies) {
    const whole = `POST /a HTTP/1.1\r\n${HOST}${body}`;
    for (let end = 0; end < whole.length; end++)
      t.is(kindOf(whole.slice(0, end)), 'partial', whole.slice(0, end));
    t.is(kindOf(whole), 'whole');
  }
});

/** Each is for the general lane, which answers some of them and refuses the others. */
const OTHERS: Readonly<Record<string, string>> = {
  'another method': `PUT / HTTP/1.1\r\n${HOST}\r\n`,
  'a method in small letters': `get / HTTP/1.1\r\n${HOST}\r\n`,
  'HTTP/1.0': `GET / HTTP/1.0\r\n${HOST}\r\n`,
  'two spaces': `GET  / HTTP/1.1\r\n${HOST}\r\n`,
  'a space in the target': `GET /a b HTTP/1.1\r\n${HOST}\r\n`,
  'a byte over ASCII in the target': `GET /\xe4 HTTP/1.1\r\n${HOST}\r\n`,
  'an empty line before it': `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  TLS: '\x16\x03\x01\x02\x00\x01',
  'LF alone': `GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n`,
  'CR alone': `GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n`,
  'a folded header': `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`,
  'a space before the colon': `GET / HTTP/1.1\r\n${HOST}X : a\r\n\r\n`,
  'no colon': `GET / HTTP/1.1\r\n${HOST}X\r\n\r\n`,
  'a NUL in a value': `GET / HTTP/1.1\r\n${HOST}X: a\0\r\n\r\n`,
  'no Host': 'GET / HTTP/1.1\r\nX: a\r\n\r\n',
  'two Hosts': `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  'a header twice': `GET / HTTP/1.1\r\n${HOST}X: a\r\nx: b\r\n\r\n`,
  'two lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
  'a length and chunks': `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na`,
  'a signed length': `POST / HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\na`,
  'a hexadecimal length': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n\r\na`,
  'an empty length': `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\na`,
  'a list of lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\na`,
  'a large body': `POST / HTTP/1.1\r\n${HOST}Content-Length: ${PLAIN_BODY_BYTES_MAX + 1}\r\n\r\n`,
  'another coding': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n`,
  'a chunk extension': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n0\r\n\r\n`,
  'a trailer': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n\r\n`,
  'a chunk that is longer than it says': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n`,
  'a chunk size with LF': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`,
  'a huge chunk': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nfffff\r\n`,
  Expect: `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\na`,
  Upgrade: `GET / HTTP/1.1\r\n${HOST}Upgrade: h2c\r\n\r\n`,
  'Connection with another name': `GET / HTTP/1.1\r\n${HOST}Connection: close, x\r\n\r\n`,
  'a head without an end': `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(20_000)}`,
};

for (const [name, text] of Object.entries(OTHERS)) {
  test(`not plain: ${name}`, (t) => t.is(kindOf(text), 'other'));
}

test('header lines that repeat earlier ones are read once, and only those', (t) => {
  const known = new KnownFields();
  const fieldsOf = (lines: string): unknown => {
    const reading = readPlainRequest(Buffer.from(`GET /a HTTP/1.1\r\n${HOST}${lines}\r\n`), known);
    return reading.kind === 'whole' ? reading.request.fields : undefined;
  };
  const first = fieldsOf('X: a\r\n');
  t.not(first, undefined);
  t.is(fieldsOf('X: a\r\n'), first);
  for (const other of ['', 'X: b\r\n', 'x: a\r\n', 'X: aa\r\n']) t.not(fieldsOf(other), first, other);
});

test('two programs whose header lines have the same length keep their own, each on its connection', (t) => {
  const known = new KnownFields();
  const fieldsOf = (app: string, before: Fields | undefined): Fields | undefined => {
    const text = `GET /a HTTP/1.1\r\n${HOST}X-WeChat-Appid: ${app}\r\n\r\n`;
    const reading = readPlainRequest(Buffer.from(text), known, before);
    return reading.kind === 'whole' ? reading.request.fields : undefined;
  };
  const [one, other] = [fieldsOf('wx1', undefined), fieldsOf('wx2', undefined)];
  for (let call = 0; call < 3; call++) {
    t.is(fieldsOf('wx1', one), one);
    t.is(fieldsOf('wx2', other), other);
  }
});

test('header lines are read the same whatever was read before them', (t) => {
  const name = fc.constantFrom('Content-Length', 'content-length', 'X-Content-Length', 'X', 'Y', 'Host');
  const value = fc.oneof(
    fc.nat(120).map(String),
    fc.constantFrom('0', '007', ' 12 ', '1 2', '', 'a', '9'.repeat(9)),
  );
  const lines = fc
    .array(fc.tuple(name, fc.constantFrom(': ', ':', ':\t '), value), { maxLength: 4 })
    .map((all) => all.map((parts) => `${parts.join('')}\r\n`).join(''));
  const known = new KnownFields();
  fc.assert(
    fc.property(fc.array(lines, { minLength: 2, maxLength: 6 }), (requests) => {
      let before: Fields | undefined;
      for (const each of requests) {
        const bytes = Buffer.from(`POST /a HTTP/1.1\r\n${HOST}${each}\r\n${'b'.repeat(120)}`);
        const reading = readPlainRequest(bytes, known, before);
        t.deepEqual(contentOf(reading), contentOf(readPlainRequest(bytes, new KnownFields())));
        if (reading.kind === 'whole') before = reading.request.fields;
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a request with the header lines of the one before is read the same as without it', (t) => {
  const piece = fc.constantFrom(
    '',
    'GET',
    'POST',
    'PUT',
    ' ',
    '/',
    '/a?b=c',
    '\t',
    '\u00e9',
    '\r\n',
    ' HTTP/1.1',
    ' HTTP/1.0',
  );
  const line = fc.oneof(
    fc.array(piece, { maxLength: 6 }).map((all) => all.join('')),
    fc.tuple(fc.constantFrom('GET ', 'POST '), piece).map((all) => `${all.join('')} HTTP/1.1`),
  );
  const rest = fc.constantFrom('', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'X: y\r\n');
  fc.assert(
    fc.property(line, rest, rest, fc.nat(12), (first, lines, beforeLines, cut) => {
      const known = new KnownFields();
      let before: Fields | undefined;
      // Lines are compared as bytes once they have been repeated.
      for (let call = 0; call < 2; call++) {
        const earlier = readPlainRequest(chunkedAbc('GET /', beforeLines), known, before);
        before = earlier.kind === 'whole' ? earlier.request.fields : undefined;
      }
      const bytes = chunkedAbc(first, lines);
      for (const sent of [bytes, bytes.subarray(0, bytes.length - cut)]) {
        t.deepEqual(
          contentOf(readPlainRequest(sent, known, before)),
          contentOf(readPlainRequest(sent, new KnownFields())),
        );
      }
    }),
    { numRuns: 3_000 },
  );
});

function chunkedAbc(line: string, lines: string): Buffer {
  const start = line.includes('HTTP') ? line : `${line} HTTP/1.1`;
  return Buffer.from(`${start}\r\n${HOST}${lines}\r\n3\r\nabc\r\n0\r\n\r\n`, 'latin1');
}

function contentOf(reading: Reading): unknown {
  if (reading.kind !== 'whole') return reading.kind;
  const { method, url, body, fields } = reading.request;
  const { rawHeaders, headers, framing, isLast } = fields;
  return {
    method,
    url,
    body: body.toString(),
    rawHeaders,
    headers: { ...headers },
    framing,
    isLast,
    bytes: reading.bytes,
  };
}

test('any bytes are read, waited for or left, and never more than there are', (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      'GET ',
      'POST ',
      '/a',
      ' HTTP/1.1',
      '\r\n',
      HOST,
      'Content-Length: 3\r\n',
      'abc',
      '0\r\n\r\n',
      ':',
    ),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      const reading = readPlainRequest(bytes, new KnownFields());
      if (reading.kind === 'whole') t.true(reading.bytes <= bytes.length);
    }),
  );
  t.pass();
});
