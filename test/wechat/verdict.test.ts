import test from 'ava';
import fc from 'fast-check';
import { integerIn, readObject } from '../../src/wechat/answer-body.ts';
import { judge, JUDGED_BYTES_MAX, negatedRefusal, ridOf } from '../../src/wechat/verdict.ts';

const errcodeOf = (text: string | Buffer): number | undefined => judge(Buffer.from(text)).errcode;

test('the top-level errcode counts wherever it stands, as a number or a numeric string', (t) => {
  t.is(errcodeOf('{"errcode":40001,"errmsg":"invalid credential"}'), 40001);
  t.is(errcodeOf('{"unionid":"u","errcode":42001}'), 42001);
  t.is(errcodeOf(' \r\n{"errcode" : "40014" }\n'), 40014);
  t.is(errcodeOf('{"errcode":-1,"errmsg":"system error"}'), -1);
  t.is(errcodeOf('{"errcode":0}'), 0);
  t.is(errcodeOf(String.raw`{"err\u0063ode":40001}`), 40001);
});

test('nested and quoted look-alikes never count', (t) => {
  t.is(errcodeOf('{"resp_data":"{\\"errcode\\":40001}"}'), undefined);
  t.is(errcodeOf('{"list":[{"errcode":40001}]}'), undefined);
  t.is(errcodeOf('{"base_resp":{"errcode":40001},"errcode":0}'), 0);
  t.is(errcodeOf('{"errcode_":40001,"xerrcode":40001,"Errcode":40001}'), undefined);
  t.is(errcodeOf('{"errcode":"40001x"}'), undefined);
  t.is(errcodeOf('{"errcode":{"errcode":40001}}'), undefined);
});

test('a body in the usual form gets the same verdict as a JSON parser’s', (t) => {
  const texts = fc.constantFrom('"ok"', '"a b"', '"\\u0041"', '"\u7684"', '"\n"', '""', '"', "'x'");
  const numbers = fc.constantFrom(
    '0',
    '-0',
    '40001',
    '042001',
    '-1',
    '1.5',
    '1e3',
    '9'.repeat(15),
    '9'.repeat(17),
  );
  const keys = fc.constantFrom('errcode', 'errmsg', 'msgid', 'openid', 'a1', 'errcode ', '');
  const member = fc.tuple(keys, fc.oneof(texts, numbers, fc.constantFrom('true', '{}', '[]')));
  const body = fc
    .tuple(numbers, texts, fc.array(member, { maxLength: 3 }), fc.constantFrom('}', '},', '} ', '', ',}'))
    .map(([errcode, errmsg, more, end]) => {
      const rest = more.map(([key, value]) => `,"${key}":${value}`).join('');
      return `{"errcode":${errcode},"errmsg":${errmsg}${rest}${end}`;
    });
  fc.assert(
    fc.property(body, (text) => {
      const parsed = readObject(Buffer.from(text));
      const { errcode, errmsg } = judge(Buffer.from(text));
      t.is(errcode, integerIn(parsed?.['errcode']));
      t.is(errmsg, typeof parsed?.['errmsg'] === 'string' ? parsed['errmsg'] : '');
    }),
    { numRuns: 2_000 },
  );
});

test('only one complete object is judged', (t) => {
  t.is(errcodeOf('{"errcode":40001}\xff\xd8 picture'), undefined);
  t.is(errcodeOf('{"errcode":40001}{}'), undefined);
  t.is(errcodeOf('{"errcode":40001}!'), undefined);
  t.is(errcodeOf('!{"errcode":40001}'), undefined);
  t.is(errcodeOf('{"errcode":40001}\u007f'), undefined);
  t.is(errcodeOf('[{"errcode":40001}]'), undefined);
  t.is(errcodeOf('"errcode"'), undefined);
  t.is(errcodeOf('{"errcode":40001'), undefined);
  t.is(errcodeOf(''), undefined);
  t.is(errcodeOf(Buffer.from([0xff, 0xd8, 0xff])), undefined);
});

test('raw control characters and invalid UTF-8 do not affect the verdict', (t) => {
  t.is(errcodeOf('{"nickname":"a\nb\u0000c\u001f","errcode":40001}'), 40001);
  t.is(
    errcodeOf(
      Buffer.concat([
        Buffer.from('{"n":"'),
        Buffer.from([0xc3, 0x28, 0xff]),
        Buffer.from('","errcode":42001}'),
      ]),
    ),
    42001,
  );
});

test('a body over 4 KiB is not judged, one of 4 KiB is', (t) => {
  const of = (bytes: number): string => `{"errcode":40001,"pad":"${'x'.repeat(bytes - 26)}"}`;
  t.is(Buffer.from(of(JUDGED_BYTES_MAX)).length, JUDGED_BYTES_MAX);
  t.is(errcodeOf(of(JUDGED_BYTES_MAX)), 40001);
  t.is(errcodeOf(of(JUDGED_BYTES_MAX + 1)), undefined);
});

test('a long body gets the same verdict as a short one, however its errcode is written', (t) => {
  const text = fc
    .tuple(
      fc.constantFrom(
        'errcode',
        String.raw`err\u0063ode`,
        String.raw`\u0065rrcode`,
        'code',
        String.raw`a\/b`,
      ),
      fc.constantFrom('40001', '"42001"', '0', '"x"'),
      fc.constantFrom('', 'url', 'C:\\\\u', String.raw`http:\/\/x`, '你好'),
    )
    .map(
      ([key, value, more]) =>
        (pad: string) =>
          `{"${key}":${value},"more":"${more}${pad}"}`,
    );
  const written = fc.constantFrom<(text: string) => Buffer>(
    (each) => Buffer.from(each),
    (each) => Buffer.from(`\ufeff${each}`, 'utf16le'),
    (each) => Buffer.from(`\ufeff${each}`, 'utf16le').swap16(),
  );
  fc.assert(
    fc.property(text, written, (of, bytes) => {
      t.deepEqual(judge(bytes(of('x'.repeat(1_000)))), judge(bytes(of(''))));
    }),
    { numRuns: 500 },
  );
});

test('the verdict on any JSON value with planted look-alikes is that of a reference parser', (t) => {
  const lookAlike = fc.oneof(
    fc.constant('{"errcode":40001}'),
    fc.constantFrom(40001, 42001, '40014', -1, 0, 'x', null, true, 1.5),
    fc.record({ errcode: fc.constantFrom(40001, '42001') }),
  );
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('errcode', 'errmsg', 'ERRCODE', '"errcode":40001', '__proto__'),
  );
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), lookAlike);
  const object = fc.array(fc.tuple(key, value), { maxLength: 6 });
  fc.assert(
    fc.property(object, fc.constantFrom('', ' ', '\n\t'), (pairs, space) => {
      const text = `${space}{${pairs.map(([name, each]) => `${JSON.stringify(name)}:${space}${JSON.stringify(each)}`).join(',')}}${space}`;
      fc.pre(Buffer.byteLength(text) <= JUDGED_BYTES_MAX);
      const reference = (JSON.parse(text) as { errcode?: unknown }).errcode;
      const expected =
        typeof reference === 'number' && Number.isSafeInteger(reference)
          ? reference
          : typeof reference === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(reference)
            ? Number(reference)
            : undefined;
      t.is(errcodeOf(text), expected);
    }),
    { numRuns: 2000 },
  );
});

test('a refusal is negated, with its text, in one line of JSON', (t) => {
  const verdict = {
    errcode: 40001,
    errmsg: 'invalid "credential"\n rid: 5f38a263-3d4c3ccd-01e705f7',
  };
  const body = negatedRefusal(verdict);
  const parsed = JSON.parse(body.toString()) as { errcode: number; errmsg: string };
  t.is(parsed.errcode, -40001);
  t.regex(parsed.errmsg, /^wechat-sidecar: /);
  t.regex(parsed.errmsg, /invalid "credential"/);
  t.false(/[\n\r]/.test(body.toString()));
});

test('the rid is found in each format of the platform', (t) => {
  t.is(ridOf('x rid: 64e5d2d0-18b1978d-6abec211'), '64e5d2d0-18b1978d-6abec211');
  t.is(ridOf('api unauthorized, rid: 64e5d2d0-18b1978d-6abec211'), '64e5d2d0-18b1978d-6abec211');
  t.is(ridOf('invalid media_id hint: [2DlkvA0590e396]'), undefined);
});
