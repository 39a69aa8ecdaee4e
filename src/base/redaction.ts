import type { Secret } from './secret.ts';

/**
 * Removes a secret from `text`, whether it is plain or has any of its characters percent-encoded, as HTML
 * entities, or as JSON or JavaScript escapes, nested up to four deep. Both are compared as bytes, each
 * a Latin-1 character. Returns the same string if it does not contain the secret.
 */
export function redactedText(text: string, secret: Secret, inPlace: () => string): string {
  // No encoding makes a value shorter.
  if (text.length < secret.reveal().length) return text;
  const { value, rarest } = soughtOf(secret);
  if (value.length < SECRET_BYTES_MIN || (!text.includes(rarest) && !mayHaveEscapes(text))) return text;
  let rest = text;
  // The parts on both sides of a cut may form the secret again.
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = rest;
    rest = without(value, before, inPlace);
    if (rest === before) return rest;
  }
  return inPlace();
}

/** The same for a body, with a placeholder for the secret; returns the same buffer if it does not contain it. */
export function redactedBytes(bytes: Buffer, secret: Secret): Buffer {
  if (bytes.length < secret.reveal().length) return bytes;
  if (!mayContain(bytes, soughtOf(secret))) return bytes;
  const text = bytes.toString('latin1');
  const rest = redactedText(text, secret, () => '[redacted]');
  return rest === text ? bytes : Buffer.from(rest, 'latin1');
}

/** In a longer body a few fast searches cost less than looking at each byte. */
const SHORT_BYTES_MAX = 512;

/** Looks for the rarest character of the secret and for what escapes need. */
function mayContain(bytes: Buffer, { rarest }: Sought): boolean {
  const rare = rarest.charCodeAt(0);
  if (bytes.length > SHORT_BYTES_MAX)
    return bytes.includes(rare) || ESCAPING.some((byte) => bytes.includes(byte));
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === rare || byte === PERCENT || byte === AMPERSAND || byte === BACKSLASH || byte === NUL)
      return true;
  }
  return false;
}

const NUL = 0x00;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const BACKSLASH = 0x5c;
const ESCAPING = [PERCENT, AMPERSAND, BACKSLASH, NUL];

interface Sought {
  /** As bytes, each a Latin-1 character. */
  readonly value: string;
  /** A character of the secret that is rare elsewhere: a text without it cannot contain the secret unescaped. */
  readonly rarest: string;
}

function soughtOf(secret: Secret): Sought {
  const known = sought.get(secret);
  if (known !== undefined) return known;
  const value = Buffer.from(secret.reveal()).toString('latin1');
  const rarest = RARE.split('').find((character) => value.includes(character)) ?? value.slice(0, 1);
  sought.set(secret, { value, rarest });
  return { value, rarest };
}

const sought = new WeakMap<Secret, Sought>();

/** The characters of tokens and AppSecrets, those first that are rare in JSON, in names and in numbers. */
const RARE = 'QXZJKWVYGFUBHDPOCMRLNTSAIE-qzjxkwvyfbghpumcdlr';

/** A shorter value would match unrelated text by chance; tokens and AppSecrets have 32 characters. */
const SECRET_BYTES_MIN = 8;

/** For example an encoded URL, inside another URL, quoted by a page, inside JSON. */
const LAYERS_MAX = 4;

/** A text that contains the secret in each layer, and once more around a cut, needs six. */
const ROUNDS_MAX = 8;

function without(value: string, text: string, inPlace: () => string): string {
  if (text.includes(value)) return text.replaceAll(value, inPlace);
  if (!mayHaveEscapes(text)) return text;
  let plain = text;
  for (let layers = 1; layers <= LAYERS_MAX; layers++) {
    const before = plain;
    plain = plain.replaceAll(ESCAPE, meaningOf);
    if (plain === before) return text;
    if (plain.includes(value)) return withoutEscaped(value, text, layers, inPlace);
  }
  return text;
}

/** Cuts out the value where it appears after this many layers of escapes are decoded. */
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
  /** The original position of each character, and of the end. */
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

/** Four fast searches: a pattern would look at each character of a body in turn. */
function mayHaveEscapes(text: string): boolean {
  return text.includes('%') || text.includes('&') || text.includes('\\') || text.includes('\0');
}

/**
 * A printable ASCII character as programs on the way may escape it. Tokens and AppSecrets have no others,
 * so escaped Chinese in a response is skipped. In UTF-16 a NUL stands next to each such character.
 */
const ESCAPE =
  // oxlint-disable-next-line no-control-regex -- see above
  /(?:[%\\]u00|%|\\x)([2-7][0-9a-f])|&#x0{0,4}([2-7][0-9a-f]);|&#0{0,4}(3[2-9]|[4-9]\d|1[01]\d|12[0-6]);|&([a-z]{2,20});|\\(["'/\\])|\0/gi;

/** The arguments are the groups of an `ESCAPE` match. */
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
  // An unknown entity stays as it is.
  if (name !== undefined) return ENTITIES.get(name) ?? escape;
  return itself ?? '';
}

/** The HTML 5 entities for printable ASCII characters. */
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
