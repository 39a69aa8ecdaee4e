import type { UpstreamRequest } from './request.ts';
import type { Origin } from './origins.ts';
import { linesOf, restOf } from './written-headers.ts';

/** Methods whose requests carry a length even without a body. */
const EXPECTING_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The request line and the headers, as Latin-1, and behind them a small body that is sent with them. The headers keep
 * their order and spelling; `host` and the framing headers are ours.
 */
export function requestHead(
  { method, target, headers, written, body }: UpstreamRequest,
  origin: Origin,
  joined: Buffer = NOTHING,
): Buffer {
  const line = `${method} ${origin.pathPrefix}${target}`;
  const rest = written === undefined ? restOf(origin, linesOf(headers)) : written.after(origin);
  const end = body === undefined ? endWithout(method) : `content-length: ${body.bytes}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(line.length + rest.length + end.length + joined.length);
  const at = bytes.write(line, 'latin1');
  bytes.set(rest, at);
  if (typeof end === 'string') bytes.write(end, at + rest.length, 'latin1');
  else bytes.set(end, at + rest.length);
  if (joined.length > 0) bytes.set(joined, at + rest.length + end.length);
  return bytes;
}

const END = Buffer.from('\r\n');
const END_OF_EMPTY = Buffer.from('content-length: 0\r\n\r\n');

function endWithout(method: string): Buffer {
  return method !== 'GET' && EXPECTING_BODY.has(method) ? END_OF_EMPTY : END;
}

const NOTHING = Buffer.alloc(0);

/** Whether the request can be written as HTTP/1.1: no part of it can end a line or is outside Latin-1. */
export function isWritable({ method, target, headers, written }: UpstreamRequest): boolean {
  if (written !== undefined) return true;
  if (!/^[!-~]+$/.test(target) || !NAME.test(method)) return false;
  for (let at = 0; at < headers.length; at += 2) {
    if (!NAME.test(headers[at] as string) || NOT_IN_VALUE.test(headers[at + 1] as string)) return false;
  }
  return true;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
