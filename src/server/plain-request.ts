import type { IncomingHttpHeaders } from 'node:http';

/** The header lines of a request, which a caller usually repeats from call to call. */
export interface Fields {
  /** As received, each with its line end. */
  readonly text: string;
  /** A flat list of names and values. */
  readonly rawHeaders: readonly string[];
  /** By their names in lower case; no name occurs twice. */
  readonly headers: IncomingHttpHeaders;
  /** The length of the body, or `chunked`. */
  readonly framing: number | 'chunked';
  /** Whether the caller closes the connection after this request. */
  readonly isLast: boolean;
  /** Derived data, valid as long as the lines are the same. */
  derived: unknown;
}

export interface PlainRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly fields: Fields;
  /** Complete. */
  readonly body: Buffer;
}

/** `partial`: the bytes so far may become one. `other`: the general lane must read it. */
export type Reading =
  | { readonly kind: 'whole'; readonly request: PlainRequest; readonly bytes: number }
  | { readonly kind: 'partial' }
  | { readonly kind: 'other' };

/** A request with a larger head or body is not plain. */
const PLAIN_HEAD_BYTES_MAX: number = 16 * 1024;
/**
 * A request with this many headers or more is refused. While the head arrives, each takes some hundred bytes of
 * memory, however short it is: thousands of unfinished heads with tiny headers exceeded a hub's memory limit.
 */
export const HEADERS_MAX = 500;
export const PLAIN_BODY_BYTES_MAX: number = 64 * 1024;

const PARTIAL: Reading = { kind: 'partial' };
const OTHER: Reading = { kind: 'other' };
const NOTHING = Buffer.alloc(0);

/**
 * Parses a request of the plain shape, which nearly all have, at the start of `bytes`: HTTP/1.1, GET or POST, each
 * header once, a Host, a Content-Length or chunks or no body, and nothing that asks for more than a response. It
 * accepts nothing that another server could read differently, and repairs nothing: everything else, valid or not, is
 * `other`. `before` are the header lines of the previous request on the same connection.
 */
export function readPlainRequest(bytes: Buffer, before: Fields | undefined): Reading {
  const beginning = bytes.toString('latin1', 0, PLAIN_HEAD_BYTES_MAX + 4);
  const end = beginning.indexOf('\r\n\r\n');
  if (end === -1) return mayBecomePlain(bytes) ? PARTIAL : OTHER;
  const head = beginning.slice(0, end + 2);
  const lineEnd = head.indexOf('\r\n');
  const method = head.startsWith('GET ') ? 'GET' : head.startsWith('POST ') ? 'POST' : undefined;
  if (method === undefined) return OTHER;
  const targetAt = method.length + 1;
  const targetEnd = lineEnd - VERSION.length;
  if (head.slice(targetEnd, lineEnd) !== VERSION || !isTarget(bytes, targetAt, targetEnd)) return OTHER;
  const url = head.slice(targetAt, targetEnd);
  const text = head.slice(lineEnd + 2);
  // What is kept must be a separate string: a slice would retain the whole request.
  const fields = before?.text === text ? before : readFields(bytes.toString('latin1', lineEnd + 2, end + 2));
  if (fields === undefined) return OTHER;
  return withBody(bytes, end + 4, method, url, fields);
}

const VERSION = ' HTTP/1.1';

/** Visible ASCII, one character at least. */
function isTarget(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte < 0x21 || byte > 0x7e) return false;
  }
  return to > from;
}

/** Bytes that are not a request line, such as the start of TLS, need not be waited for. */
function mayBecomePlain(bytes: Buffer): boolean {
  if (bytes.length > PLAIN_HEAD_BYTES_MAX) return false;
  const start = bytes.toString('latin1', 0, 5);
  return 'GET '.startsWith(start.slice(0, 4)) || 'POST '.startsWith(start);
}

function withBody(
  bytes: Buffer,
  start: number,
  method: 'GET' | 'POST',
  url: string,
  fields: Fields,
): Reading {
  const { framing } = fields;
  if (framing === 0) {
    return { kind: 'whole', request: { method, url, fields, body: NOTHING }, bytes: start };
  }
  if (framing === 'chunked') return withChunks(bytes, start, method, url, fields);
  if (framing > PLAIN_BODY_BYTES_MAX) return OTHER;
  const end = start + framing;
  if (bytes.length < end) return PARTIAL;
  return { kind: 'whole', request: { method, url, fields, body: bytes.subarray(start, end) }, bytes: end };
}

/** Chunks as programs send them: without extensions and trailers. */
function withChunks(
  bytes: Buffer,
  start: number,
  method: 'GET' | 'POST',
  url: string,
  fields: Fields,
): Reading {
  const pieces: Buffer[] = [];
  let at = start;
  for (;;) {
    const line = bytes.toString('latin1', at, at + CHUNK_LINE_BYTES_MAX);
    const size = CHUNK_LINE.exec(line);
    if (size === null) return MAY_BECOME_CHUNK_LINE.test(line) ? PARTIAL : OTHER;
    const length = Number.parseInt(size[1] as string, 16);
    at += size[0].length;
    const end = at + length;
    if (end - start > PLAIN_BODY_BYTES_MAX) return OTHER;
    const behind = bytes.toString('latin1', end, end + 2);
    if (!'\r\n'.startsWith(behind)) return OTHER;
    if (behind.length < 2) return PARTIAL;
    if (length > 0) pieces.push(bytes.subarray(at, end));
    at = end + 2;
    if (length > 0) continue;
    const body = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    return { kind: 'whole', request: { method, url, fields, body }, bytes: at };
  }
}

const CHUNK_LINE_BYTES_MAX = 8;
const CHUNK_LINE = /^([0-9a-fA-F]{1,6})\r\n/;
const MAY_BECOME_CHUNK_LINE = /^[0-9a-fA-F]{0,6}\r?$/;

/** All header lines at once: names of token characters, values without control characters, CRLF. */
const LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)+$/;
const LENGTH = /^\d{1,9}$/;

/** Headers that ask for more than a response, or affect the framing of the message. */
const NOT_PLAIN = new Set(['expect', 'upgrade', 'te', 'trailer', 'http2-settings', 'proxy-connection']);

function readFields(text: string): Fields | undefined {
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
    const value = withoutBlanks(text.slice(colon + 1, end));
    const key = name.toLowerCase();
    if (key in headers || NOT_PLAIN.has(key) || rawHeaders.length >= 2 * HEADERS_MAX - 2) return undefined;
    headers[key] = value;
    rawHeaders.push(name, value);
  }
  const framing = framingOf(headers);
  const connection = headers['connection']?.toLowerCase() ?? 'keep-alive';
  if (framing === undefined || headers['host'] === undefined) return undefined;
  if (connection !== 'keep-alive' && connection !== 'close') return undefined;
  return { text, rawHeaders, headers, framing, isLast: connection === 'close', derived: undefined };
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

function withoutBlanks(value: string): string {
  return /^[^\t ](?:.*[^\t ])?$/s.test(value) ? value : value.replaceAll(/^[\t ]+|[\t ]+$/g, '');
}
