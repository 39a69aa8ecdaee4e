import test from 'ava';
import fc from 'fast-check';
import { redactedBytes, redactedText } from '../../src/base/redaction.ts';
import { Secret } from '../../src/base/secret.ts';
import { ALL, type Encoder, ENCODERS, layersOf, OF_URLS_AND_PAGES, written } from '../support/encoders.ts';

const TOKEN = '92_aZ09-x_Y7bQ3mK5nP1rT6vW8yB2cD4fG0hJ';

const textOf = (characters: string): fc.Arbitrary<string> =>
  fc
    .string({ unit: fc.constantFrom(...characters.split('')), minLength: 16, maxLength: 24 })
    // In `%33333…` it cannot be said where a secret of many `3` begins.
    .map((text) => `T${text}`);
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** What WeChat has sent so far. */
const usual = textOf(`${LETTERS}-_`);
/** What it could send. A text in which an escape can be read means another text. */
const odd = textOf(`${LETTERS}!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`).filter(
  (text) => !/%u?[0-9a-f]{2}|&[#a-z]|\\./i.test(text),
);

for (const [by, encoders] of [
  ['place', OF_URLS_AND_PAGES],
  ['kind', ALL],
] as const) {
  const layers = layersOf(encoders).filter(
    (some) => some.filter(({ encoder }) => !OF_URLS_AND_PAGES.includes(encoder)).length <= 1,
  );

  test(`a secret is removed whichever of its characters are encoded by ${by}, and the text around it stays`, (t) => {
    fc.assert(
      fc.property(usual, layers, (value, ways) => {
        const quoted = written(value, ways, by);
        t.is(
          redactedText(`a=${quoted} and ${quoted}`, new Secret(value), () => '[x]'),
          'a=[x] and [x]',
        );
      }),
      { numRuns: 3_000 },
    );
  });

  test(`a secret with unusual characters is removed too, whichever of them are encoded by ${by}`, (t) => {
    fc.assert(
      fc.property(odd, layers, (value, ways) => {
        const quoted = written(value, ways, by);
        t.false(redactedText(`a=${quoted} and ${quoted}`, new Secret(value), () => '[x]').includes(quoted));
      }),
      { numRuns: 3_000 },
    );
  });
}

test('JSON within JSON within a URL is searched', (t) => {
  const escaped = written(TOKEN, [{ encoder: ENCODERS['JSON'] as Encoder, chosen: [true, false] }], 'place');
  const twice = JSON.stringify({ body: JSON.stringify({ url: `/x?access_token=${TOKEN}&a=${escaped}` }) });
  for (const text of [twice, encodeURIComponent(twice)]) {
    const rest = redactedText(text.replaceAll(TOKEN, escaped), new Secret(TOKEN), () => '');
    t.false(rest.includes(escaped.slice(-8)), rest);
    t.true(rest.includes('access_token'));
  }
});

for (const [name, { encode }] of Object.entries(ENCODERS)) {
  test(`a secret whose characters are all written with ${name} is removed from a page`, (t) => {
    const quoted = TOKEN.split('').map(encode).join('');
    const page = `<a href="/x?access_token=${quoted}&amp;y=%20">x</a> \\u4f60`;
    t.is(
      redactedText(page, new Secret(TOKEN), () => ''),
      '<a href="/x?access_token=&amp;y=%20">x</a> \\u4f60',
    );
  });
}

test('a text that does not contain the secret is returned unchanged', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('%', '2', '5', 'F', '&', '#', 'x', ';', '\\', 'u', '0', '_') }),
    fc.constant(`access_token=${TOKEN.slice(0, -1)}`),
    fc.constant(`access_token=${TOKEN.slice(1)}%`),
    layersOf(ALL).map((layers) => written(TOKEN.slice(0, -1), layers, 'place')),
  );
  fc.assert(
    fc.property(text, (around) => {
      const bytes = Buffer.from(around);
      t.is(redactedBytes(bytes, new Secret(TOKEN)), bytes);
      t.is(redactedBytes(bytes, new Secret('0123456789abcdef0123456789abcdef')), bytes);
    }),
    { numRuns: 3_000 },
  );
});

test('bytes are searched as texts are, whether the body is short or long', (t) => {
  fc.assert(
    fc.property(layersOf(ALL), fc.constantFrom(0, 1_000), (layers, padding) => {
      const page = `{"a":"${written(TOKEN, layers, 'place')}","b":"${'b'.repeat(padding)}"}`;
      const clean = redactedText(page, new Secret(TOKEN), () => '[redacted]');
      t.is(redactedBytes(Buffer.from(page), new Secret(TOKEN)).toString(), clean);
    }),
    { numRuns: 1_000 },
  );
});

test('a plain copy of the secret never remains, whatever is around it', (t) => {
  const around = fc.string({
    unit: fc.constantFrom('%', '2', '5', '9', '&', '#', ';', '\\', 'u', 'x', '\0', TOKEN),
  });
  fc.assert(
    fc.property(around, around, (before, behind) => {
      t.false(redactedText(before + TOKEN + behind, new Secret(TOKEN), () => '').includes(TOKEN));
    }),
    { numRuns: 3_000 },
  );
});

test('a secret is removed from bytes in UTF-8 and in UTF-16', (t) => {
  t.is(
    redactedBytes(Buffer.from('你好 pässwörter!'), new Secret('pässwörter')).toString(),
    '你好 [redacted]!',
  );
  const wide = Buffer.from(`x${TOKEN}y`, 'utf16le');
  for (const bytes of [wide, Buffer.from(wide).swap16()]) {
    const letters = redactedBytes(bytes, new Secret(TOKEN)).toString('latin1').replaceAll('\0', '');
    t.is(letters, 'x[redacted]y');
  }
});

test('the replacement may contain the secret, and a secret may overlap itself', (t) => {
  t.is(redactedText(`a ${TOKEN}`, new Secret(TOKEN), () => `<${TOKEN}>`).includes('a '), false);
  const half = TOKEN.length / 2;
  const nested = TOKEN.slice(0, half) + TOKEN + TOKEN.slice(half);
  t.is(
    redactedText(`a ${nested} b`, new Secret(TOKEN), () => ''),
    'a  b',
  );
});

test('a value that is too short to be a secret is not removed', (t) => {
  for (const value of ['ok', ''])
    t.is(
      redactedText('it is ok', new Secret(value), () => ''),
      'it is ok',
    );
});

test('a long text full of escapes is read in linear time', (t) => {
  const startMs = performance.now();
  for (const part of [
    '%25',
    '%',
    '&',
    '&#',
    '&#x',
    '\\',
    '\\u00',
    '%u00',
    '9%39',
    '&amp;',
    '9\0',
    '%2525',
    '&#x00',
  ]) {
    const text = part.repeat(16_384 / part.length);
    t.is(
      redactedText(text, new Secret(TOKEN), () => ''),
      text,
    );
  }
  t.true(performance.now() - startMs < 5_000);
});
