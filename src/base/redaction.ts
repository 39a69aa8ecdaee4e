import type { Secret } from './secret.ts';

/**
 * `text` with a secret cut out of it, however it is written there: plain, or with any of its characters
 * percent-encoded, as entities of HTML or as escapes of JSON or JavaScript, one within the other up to
 * four deep. Both are compared as bytes, each one a character of Latin-1. The same string comes back if it
 * does not quote the secret.
 */
export function redactedText(text: string, secret: Secret, inPlace: () => string): string {
  // No way to write a value makes it shorter.
  const revealed = secret.reveal();
  if (text.length < revealed.length) return text;
  const value = IS_ASCII.test(revealed) ? revealed : Buffer.from(revealed).toString('latin1');
  if (value.length < SECRET_BYTES_MIN) return text;
  let rest = text;
  // What is left on both sides of a cut could be the secret once more.
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = rest;
    rest = without(value, before, inPlace);
    if (rest === before) return rest;
  }
  return inPlace();
}

/** The same for a body, with a word in the place of the secret; the same buffer comes back if it does not quote it. */
export function redactedBytes(bytes: Buffer, secret: Secret): Buffer {
  if (bytes.length < secret.reveal().length) return bytes;
  const text = bytes.toString('latin1');
  const rest = redactedText(text, secret, () => '[redacted]');
  return rest === text ? bytes : Buffer.from(rest, 'latin1');
}

const IS_ASCII = /^[ -~]*$/;

/** A shorter value would be found in texts that do not quote it; tokens and AppSecrets have 32 characters. */
const SECRET_BYTES_MIN = 8;

/** A URL that is encoded, put into another one, and quoted by a page within JSON. */
const LAYERS_MAX = 4;

/** A text that quotes the secret in each layer, and once more around a cut, needs six. */
const ROUNDS_MAX = 8;

function without(value: string, text: string, inPlace: () => string): string {
  if (text.includes(value)) return text.replaceAll(value, inPlace);
  if (!BEGINS_ESCAPE.test(text)) return text;
  let plain = text;
  for (let layers = 1; layers <= LAYERS_MAX; layers++) {
    const before = plain;
    plain = plain.replaceAll(ESCAPE, meaningOf);
    if (plain === before) return text;
    if (plain.includes(value)) return withoutEscaped(value, text, layers, inPlace);
  }
  return text;
}

/** Cuts the value out of a text in which it can be read once so many layers of escapes are taken off. */
function withoutEscaped(value: string, text: string, layers: number, inPlace: () => string): string {
  let peeled: Peeled = { text, starts: [...Array(text.length + 1).keys()] };
  for (let layer = 0; layer < layers; layer++) peeled = peel(peeled);
  let rest = '';
  let from = 0;
  for (let at = peeled.text.indexOf(value); at !== -1; at = peeled.text.indexOf(value, at + value.length)) {
    rest += text.slice(from, peeled.starts[at]) + inPlace();
    from = peeled.starts[at + value.length] as number;
  }
  return rest + text.slice(from);
}

interface Peeled {
  readonly text: string;
  /** Where each of its characters, and its end, was before anything was peeled off. */
  readonly starts: readonly number[];
}

function peel({ text, starts }: Peeled): Peeled {
  const left: number[] = [];
  let from = 0;
  const plain = text.replaceAll(ESCAPE, (escape, byte, hex, decimal, name, itself, at: number) => {
    const meaning = meaningOf(escape, byte, hex, decimal, name, itself);
    for (let each = from; each < at + meaning.length; each++) left.push(starts[each] as number);
    from = at + escape.length;
    return meaning;
  });
  for (let each = from; each < starts.length; each++) left.push(starts[each] as number);
  return { text: plain, starts: left };
}

// oxlint-disable-next-line no-control-regex -- see `ESCAPE`
const BEGINS_ESCAPE = /[%&\\\0]/;

/**
 * A printable character of ASCII as programs on the way may write it: tokens and AppSecrets have no others,
 * and answers full of escaped Chinese are not worth a second look. A NUL is what stands beside each
 * character in UTF-16.
 */
const ESCAPE =
  // oxlint-disable-next-line no-control-regex -- see above
  /(?:[%\\]u00|%|\\x)([2-7][0-9a-f])|&#x0{0,4}([2-7][0-9a-f]);|&#0{0,4}(3[2-9]|[4-9]\d|1[01]\d|12[0-6]);|&([a-z]{2,20});|\\(["'/\\])|\0/gi;

/** Takes what `ESCAPE` has found, group by group. */
function meaningOf(
  escape: string,
  byte?: string,
  hex: string | undefined = byte,
  decimal?: string,
  name?: string,
  itself?: string,
): string {
  if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
  if (decimal !== undefined) return String.fromCharCode(Number(decimal));
  // What is no entity stays as it is.
  if (name !== undefined) return ENTITIES.get(name) ?? escape;
  return itself ?? '';
}

/** Those of HTML 5 that stand for a printable character of ASCII. */
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '!': 'excl',
    '"': 'quot QUOT',
    '#': 'num',
    $: 'dollar',
    '%': 'percnt',
    '&': 'amp AMP',
    "'": 'apos',
    '(': 'lpar',
    ')': 'rpar',
    '*': 'ast midast',
    '+': 'plus',
    ',': 'comma',
    '.': 'period',
    '/': 'sol',
    ':': 'colon',
    ';': 'semi',
    '<': 'lt LT',
    '=': 'equals',
    '>': 'gt GT',
    '?': 'quest',
    '@': 'commat',
    '[': 'lsqb lbrack',
    '\\': 'bsol',
    ']': 'rsqb rbrack',
    '^': 'Hat',
    _: 'lowbar UnderBar',
    '`': 'grave DiacriticalGrave',
    '{': 'lcub lbrace',
    '|': 'verbar vert VerticalLine',
    '}': 'rcub rbrace',
  }).flatMap(([character, names]) => names.split(' ').map((name) => [name, character])),
);
