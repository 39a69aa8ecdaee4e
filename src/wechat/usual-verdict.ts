import { hasAt } from '../base/has-at.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const CLOSING_BRACE = 0x7d;

const BEGINNING = Buffer.from('{"errcode":');
const MESSAGE = Buffer.from(',"errmsg":"');
const OK = Buffer.from('ok"');
/** Keys that may not come again. */
const ITS_KEYS: readonly Buffer[] = [Buffer.from('errcode"'), Buffer.from('errmsg"')];
/** More digits may not be exact as a number. */
const DIGITS_MAX = 15;

/**
 * Reads a body in the form that most errors and confirmations have: plain texts and whole numbers in one flat object,
 * with errcode and errmsg first and never again. For such a body it finds what reading it as JSON would, and makes
 * nothing of the rest. Returns undefined for any other form.
 */
export function usualVerdict(body: Buffer): { errcode: number; errmsg: string } | undefined {
  if (!hasAt(body, 0, BEGINNING)) return undefined;
  const numberEnd = endOfInteger(body, BEGINNING.length);
  if (numberEnd === -1 || numberEnd - BEGINNING.length > DIGITS_MAX || !hasAt(body, numberEnd, MESSAGE))
    return undefined;
  const textAt = numberEnd + MESSAGE.length;
  const textEnd = endOfText(body, textAt);
  if (textEnd === -1 || !isRestUsual(body, textEnd + 1)) return undefined;
  const errmsg = hasAt(body, textAt, OK) ? 'ok' : body.toString('latin1', textAt, textEnd);
  return { errcode: integerAt(body, BEGINNING.length, numberEnd), errmsg };
}

/** Whether further members and the end of the object follow, and nothing else. */
function isRestUsual(body: Buffer, from: number): boolean {
  let at = from;
  while (body[at] === COMMA) {
    const keyAt = at + 2;
    if (body[at + 1] !== QUOTE || ITS_KEYS.some((key) => hasAt(body, keyAt, key))) return false;
    const keyEnd = endOfKey(body, keyAt);
    if (keyEnd === keyAt || body[keyEnd] !== QUOTE || body[keyEnd + 1] !== COLON) return false;
    const valueAt = keyEnd + 2;
    const isText = body[valueAt] === QUOTE;
    const end = isText ? endOfText(body, valueAt + 1) : endOfInteger(body, valueAt);
    if (end === -1) return false;
    at = isText ? end + 1 : end;
  }
  return body[at] === CLOSING_BRACE && at === body.length - 1;
}

/** The position of the quote behind a text of printable ASCII without escapes; -1 if it is another text. */
function endOfText(body: Buffer, from: number): number {
  for (let at = from; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte === QUOTE) return at;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return -1;
  }
  return -1;
}

/** The position behind lower-case letters and underscores. */
function endOfKey(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && isOfKey(body[at] as number)) at += 1;
  return at;
}

function isOfKey(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
}

/** The position behind a whole number as JSON writes one; -1 if there is none. */
function endOfInteger(body: Buffer, from: number): number {
  const start = body[from] === MINUS ? from + 1 : from;
  if (body[start] === ZERO) return start + 1;
  let at = start;
  while (isDigit(body[at])) at += 1;
  return at === start ? -1 : at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function integerAt(body: Buffer, from: number, to: number): number {
  const isNegative = body[from] === MINUS;
  let value = 0;
  for (let at = isNegative ? from + 1 : from; at < to; at++)
    value = value * 10 + ((body[at] as number) - ZERO);
  return isNegative ? -value : value;
}
