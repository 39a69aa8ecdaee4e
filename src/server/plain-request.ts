import { hasAt } from '../base/has-at.ts';
import type { Fields, KnownFields } from './plain-fields.ts';

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
export const PLAIN_BODY_BYTES_MAX: number = 64 * 1024;

const PARTIAL: Reading = { kind: 'partial' };
const OTHER: Reading = { kind: 'other' };
const NOTHING = Buffer.alloc(0);

/**
 * Parses a request of the plain shape, which nearly all have, at the start of `bytes`: HTTP/1.1, GET or POST, each
 * header once, a Host, a Content-Length or chunks or no body, and nothing that asks for more than a response. It
 * accepts nothing that another server could read differently, and repairs nothing: everything else, valid or not, is
 * `other`. `known` are the header lines of earlier requests, and `before` those of the last one on the same connection.
 */
export function readPlainRequest(bytes: Buffer, known: KnownFields, before?: Fields): Reading {
  const again = before === undefined ? undefined : readAgain(bytes, before);
  if (again !== undefined) return again;
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
  const fields = known.read(head.slice(lineEnd + 2), before);
  if (fields === undefined) return OTHER;
  return withBody(bytes, end + 4, method, url, fields);
}

const VERSION = ' HTTP/1.1';

/**
 * The same for the usual request, whose header lines are those of the last one, without a string for them. Returns undefined
 * if it is not one, or if this cannot tell (see `Fields.endIn`).
 */
function readAgain(bytes: Buffer, before: Fields): Reading | undefined {
  const isGet = hasAt(bytes, 0, GET);
  if (!isGet && !hasAt(bytes, 0, POST)) return undefined;
  const targetAt = isGet ? GET.length : POST.length;
  let targetEnd = targetAt;
  while (isVisible(bytes[targetEnd])) targetEnd += 1;
  if (targetEnd === targetAt || !hasAt(bytes, targetEnd, LINE_END)) return undefined;
  const end = before.endIn(bytes, targetEnd + LINE_END.length);
  if (end === -1 || end > PLAIN_HEAD_BYTES_MAX) return undefined;
  const url = bytes.toString('latin1', targetAt, targetEnd);
  return withBody(bytes, end, isGet ? 'GET' : 'POST', url, before);
}

const GET = Buffer.from('GET ');
const POST = Buffer.from('POST ');
const LINE_END = Buffer.from(`${VERSION}\r\n`);

/** Visible ASCII, one character at least. */
function isTarget(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isVisible(bytes[at])) return false;
  return to > from;
}

function isVisible(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x21 && byte <= 0x7e;
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
