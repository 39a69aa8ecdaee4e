/**
 * Parses a body that consists of one JSON object and white space; returns `undefined` for any other. It
 * tolerates what JSON forbids but the platform, or a forwarder, has been seen to send: byte order marks (also
 * of UTF-16) and control characters around the object, such as the NULs of a buffer that was written whole;
 * control characters in strings; invalid UTF-8.
 */
export function readObject(body: Buffer): Record<string, unknown> | undefined {
  const text = textOf(body);
  const start = firstOf(text);
  let end = text.length;
  while (end > start && isPadding(text.charCodeAt(end - 1))) end -= 1;
  if (text.charCodeAt(start) !== OPENING_BRACE || text.charCodeAt(end - 1) !== CLOSING_BRACE)
    return undefined;
  try {
    const object = text.slice(start, end);
    const value: unknown = JSON.parse(UNFIT.test(object) ? object.replaceAll(EACH_UNFIT, ' ') : object);
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The kind of a body that starts with these bytes; `undecided` while they are only white space and marks. */
export function beginningOf(start: Buffer): 'object' | 'other' | 'undecided' {
  if (start[0] === OPENING_BRACE) return 'object';
  const text = textOf(start);
  const at = firstOf(text);
  // An incomplete character, such as a truncated mark, decodes to the replacement character.
  if (at === text.length || (at === text.length - 1 && text[at] === '\ufffd')) return 'undecided';
  return text.charCodeAt(at) === OPENING_BRACE ? 'object' : 'other';
}

/** Reads a number or a numeric string, as the platform writes errcodes; returns `undefined` for anything else. */
export function integerIn(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === 'string' && INTEGER.test(value) ? Number(value) : undefined;
}

// oxlint-disable-next-line no-control-regex -- these are the characters that are meant
const UNFIT = /[\x00-\x1f\ufeff]/;
const EACH_UNFIT = new RegExp(UNFIT, 'g');
const INTEGER = /^\s*[+-]?\d{1,15}\s*$/;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const BYTE_ORDER_MARK = 0xfeff;

function textOf(body: Buffer): string {
  const mark = body.length < 2 ? 0 : body.readUInt16BE(0);
  if (mark === 0xfffe) return body.toString('utf16le');
  // `swap16` works in place and needs an even number of bytes.
  if (mark === BYTE_ORDER_MARK)
    return Buffer.from(body.subarray(0, body.length & ~1))
      .swap16()
      .toString('utf16le');
  return body.toString('utf8');
}

function firstOf(text: string): number {
  let at = 0;
  while (at < text.length && isPadding(text.charCodeAt(at))) at += 1;
  return at;
}

/** Characters that are allowed before and after an object. */
function isPadding(code: number): boolean {
  return code <= 0x20 || code === BYTE_ORDER_MARK;
}
