import test from 'ava';
import fc from 'fast-check';
import { beginningOf, integerIn, readObject } from '../../src/wechat/answer-body.ts';

const OBJECT = { errmsg: 'ok 你好', errcode: 40001 };
const TEXT = JSON.stringify(OBJECT);

/** What stands around an object and is none of it, as UTF-8. */
const padding = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0x20 }).map((code) => String.fromCharCode(code)),
      fc.constantFrom('\ufeff', '\r\n', '\u0000'),
    ),
    { maxLength: 5 },
  )
  .map((characters) => characters.join(''));

const WIDE = {
  'little-endian': (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'big-endian': (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
};

test('white space, control characters and byte order marks around an object do not hide it', (t) => {
  fc.assert(
    fc.property(padding, padding, (before, behind) => {
      const body = Buffer.from(before + TEXT + behind);
      t.deepEqual(readObject(body), OBJECT);
      t.is(beginningOf(body), 'object');
    }),
  );
});

test('each control character may be before an object, after it and in it', (t) => {
  for (let code = 0; code <= 0x20; code++) {
    const character = String.fromCharCode(code);
    const body = Buffer.from(`${character}{"a":"b${character}c",${character}"errcode":1}${character}`);
    t.is(readObject(body)?.['errcode'], 1, `0x${code.toString(16)}`);
  }
});

test('any other character before or after an object invalidates it', (t) => {
  for (const character of ['!', '\u007f', '\u00a0', 'x', '\u200b', ',', '0', '}', '{']) {
    t.is(readObject(Buffer.from(character + TEXT)), undefined, character);
    t.is(readObject(Buffer.from(TEXT + character)), undefined, character);
  }
});

for (const [order, encode] of Object.entries(WIDE)) {
  test(`an object in UTF-16 with a ${order} mark is read`, (t) => {
    t.deepEqual(readObject(encode(TEXT)), OBJECT);
    t.deepEqual(readObject(encode(`\r\n${TEXT}\n\u0000`)), OBJECT);
    t.deepEqual(readObject(Buffer.concat([encode(TEXT), Buffer.from([0])])), OBJECT);
    t.is(readObject(encode(`[${TEXT}]`)), undefined);
  });
}

test('invalid UTF-8 affects only the text that contains it', (t) => {
  const bad = fc
    .uint8Array({ maxLength: 8 })
    .filter((bytes) => !bytes.includes(0x22) && !bytes.includes(0x5c));
  fc.assert(
    fc.property(bad, (bytes) => {
      const body = Buffer.concat([Buffer.from('{"nickname":"'), bytes, Buffer.from('","errcode":42001}')]);
      t.is(readObject(body)?.['errcode'], 42001);
    }),
  );
});

test('a body that is not exactly one object is not read', (t) => {
  for (const body of [
    '',
    '\ufeff',
    '{',
    '}',
    'null',
    '5',
    '"{}"',
    '[{}]',
    '{}{}',
    '{}[]',
    '{a:1}',
    '{"a":1,}',
  ]) {
    t.is(readObject(Buffer.from(body)), undefined, body);
  }
  t.deepEqual(readObject(Buffer.from('{}')), {});
});

test('for any beginning of a body, impossible outcomes are excluded and possible ones are not', (t) => {
  const bodies = fc.oneof(
    padding.map((before) => Buffer.from(before + TEXT)),
    padding.map((before) => WIDE['little-endian'](before + TEXT)),
    padding.map((before) => WIDE['big-endian'](before + TEXT)),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(bodies, fc.nat({ max: 60 }), (body, length) => {
      const whole = beginningOf(body);
      const part = beginningOf(body.subarray(0, length));
      if (part !== 'undecided' && whole !== 'undecided') t.is(part, whole);
      if (readObject(body) !== undefined) t.not(part, 'other');
    }),
    { numRuns: 2_000 },
  );
  for (const start of ['[', 'x', ' x', '<', '\u0000\u0000\u0000\u0018ftyp']) {
    t.is(beginningOf(Buffer.from(start)), 'other', start);
  }
  t.is(beginningOf(Buffer.from([0xff, 0xd8, 0xff])), 'other');
  t.is(beginningOf(Buffer.from([0x1f, 0x8b, 0x08])), 'other');
});

test('a number is read from a number and from digits, and from nothing else', (t) => {
  for (const [value, integer] of [
    [40001, 40001],
    ['40001', 40001],
    [' -1\n', -1],
    ['+7', 7],
    [1.5, undefined],
    ['1.5', undefined],
    ['40001x', undefined],
    ['', undefined],
    ['1234567890123456', undefined],
    [Infinity, undefined],
    [true, undefined],
    [null, undefined],
    [{}, undefined],
  ] as const) {
    t.is(integerIn(value), integer, JSON.stringify(value));
  }
});
