import type { IncomingHttpHeaders } from 'node:http';
import { AroundNumber } from '../base/around-number.ts';
import { hasAt } from '../base/has-at.ts';
import { ownBytes } from '../base/own-bytes.ts';
import { ownString } from '../base/own-string.ts';
import { trimmed } from '../base/trimmed.ts';

/** The header lines of a request. */
export interface Fields {
  /** A flat list of names and values. */
  readonly rawHeaders: readonly string[];
  /** By their names in lower case; no name occurs twice. */
  readonly headers: IncomingHttpHeaders;
  /** The length of the body, or `chunked`. */
  readonly framing: number | 'chunked';
  /** Whether the caller closes the connection after this request. */
  readonly isLast: boolean;
  /** Derived data, which must not depend on the length of the body: lines that differ in that alone share it. */
  derived: unknown;
  /** The position behind these lines and the empty one, if they are at `at`; -1 if they are not, or this cannot tell. */
  endIn(bytes: Buffer, at: number): number;
  /** The same lines, or lines that differ in the length of the body alone; undefined if the text is neither. */
  again(text: string): Fields | undefined;
}

/**
 * A request with this many headers or more is refused. While the head arrives, each takes some hundred bytes of
 * memory, however short it is: thousands of unfinished heads with tiny headers exceeded a hub's memory limit.
 */
export const HEADERS_MAX = 500;

export const LINES_MAX = 64;
/** Longer lines are not worth keeping for other connections. */
export const LINES_CHARS_MAX = 4 * 1024;

/**
 * A cache of header lines: most programs repeat them from call to call, or all but the length of the body. Lines whose
 * lengths agree modulo the number of slots share one: nothing to look up, order or evict.
 */
export class KnownFields {
  readonly #slots: (KnownLines | undefined)[] = Array.from({ length: LINES_MAX }, () => undefined);

  /** `before` are those of the last request on the same connection. Returns undefined for lines that are not plain. */
  read(text: string, before: Fields | undefined): Fields | undefined {
    const slot = text.length % LINES_MAX;
    const again = before?.again(text) ?? this.#slots[slot]?.again(text);
    if (again !== undefined) return again;
    const lines = readLines(ownString(text));
    if (lines !== undefined && text.length <= LINES_CHARS_MAX) this.#slots[slot] = lines;
    return lines;
  }
}

type Headers = Readonly<Record<string, string>>;

/** Lines as they were read. */
class KnownLines implements Fields {
  readonly #text: string;
  /** The text and the empty line, once they have been repeated, unless they are long: other lines rarely come again. */
  #bytes: Buffer | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: Headers;
  readonly framing: number | 'chunked';
  readonly isLast: boolean;
  derived: unknown;
  readonly #aroundLength: AroundNumber | undefined;

  constructor(text: string, rawHeaders: readonly string[], headers: Headers, framing: number | 'chunked') {
    this.#text = text;
    this.rawHeaders = rawHeaders;
    this.headers = headers;
    this.framing = framing;
    this.isLast = headers['connection']?.toLowerCase() === 'close';
    const hasLength = headers['content-length'] !== undefined;
    const [, start = '', length = ''] = (hasLength ? LENGTH_LINE.exec(text) : null) ?? [];
    this.#aroundLength = length === '' ? undefined : new AroundNumber(text, start.length, length.length);
  }

  endIn(bytes: Buffer, at: number): number {
    const own = this.#bytes;
    return own !== undefined && hasAt(bytes, at, own) ? at + own.length : -1;
  }

  again(text: string): Fields | undefined {
    if (this.#text === text) {
      if (text.length <= LINES_CHARS_MAX) this.#bytes ??= ownBytes(`${text}\r\n`);
      return this;
    }
    const length = this.#aroundLength?.digitsIn(text);
    return length === undefined ? undefined : new OtherLength(this, length);
  }
}

/** Lines that differ from others in the length of the body alone. */
class OtherLength implements Fields {
  readonly #like: KnownLines;
  readonly #length: string;
  readonly framing: number;

  constructor(like: KnownLines, length: string) {
    this.#like = like;
    this.#length = length;
    this.framing = Number(length);
  }

  get rawHeaders(): readonly string[] {
    return this.#like.rawHeaders.map((each, at, all) =>
      at % 2 === 1 && all[at - 1]?.toLowerCase() === 'content-length' ? this.#length : each,
    );
  }

  get headers(): Headers {
    return Object.assign(Object.create(null) as object, this.#like.headers, {
      'content-length': this.#length,
    });
  }

  get isLast(): boolean {
    return this.#like.isLast;
  }

  get derived(): unknown {
    return this.#like.derived;
  }

  set derived(derived: unknown) {
    this.#like.derived = derived;
  }

  endIn(): number {
    return -1;
  }

  again(text: string): Fields | undefined {
    return this.#like.again(text);
  }
}

/** All header lines at once: names of token characters, values without control characters, CRLF. */
const LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)+$/;
const LENGTH = /^\d{1,9}$/;
const LENGTH_LINE = /^((?:.*\r\n)*?content-length:[\t ]*)(\d{1,9})[\t ]*\r\n/i;

/** Headers that ask for more than a response, or affect the framing of the message. */
const NOT_PLAIN = new Set(['expect', 'upgrade', 'te', 'trailer', 'http2-settings', 'proxy-connection']);

function readLines(text: string): KnownLines | undefined {
  if (!LINES.test(text)) return undefined;
  const rawHeaders: string[] = [];
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (
    let start = 0, end = text.indexOf('\r\n');
    end !== -1;
    start = end + 2, end = text.indexOf('\r\n', start)
  ) {
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon);
    const value = trimmed(text, colon + 1, end);
    const key = name.toLowerCase();
    if (key in headers || NOT_PLAIN.has(key) || rawHeaders.length >= 2 * HEADERS_MAX - 2) return undefined;
    headers[key] = value;
    rawHeaders.push(name, value);
  }
  const framing = framingOf(headers);
  const connection = headers['connection']?.toLowerCase() ?? 'keep-alive';
  if (framing === undefined || headers['host'] === undefined) return undefined;
  if (connection !== 'keep-alive' && connection !== 'close') return undefined;
  return new KnownLines(text, rawHeaders, headers, framing);
}

function framingOf(headers: Readonly<Record<string, string>>): number | 'chunked' | undefined {
  const length = headers['content-length'];
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    return coding.toLowerCase() === 'chunked' && length === undefined ? 'chunked' : undefined;
  }
  if (length === undefined) return 0;
  return LENGTH.test(length) ? Number(length) : undefined;
}
