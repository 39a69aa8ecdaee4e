/**
 * A response of the simulator as a value: it is decided first, then sent (or cut, slowed, dropped) by the
 * code that holds the socket.
 */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** `zerosBytes` means a body of that many zero bytes, generated while sending. */
  readonly body: Buffer | { readonly zerosBytes: number };
  /** The top-level errcode, for the list of arrivals and the counters. */
  readonly errcode?: number;
}

/** The platform writes `encoding`, not `charset`: a media type of its own. */
const JSON_TYPE = 'application/json; encoding=utf-8';
const JSON_HEADERS = { 'Content-Type': JSON_TYPE };
const PLAIN_HEADERS = { 'Content-Type': 'text/plain' };

/** HTTP 200 with a compact JSON body without a newline, as the platform writes it. */
export function jsonAnswer(value: unknown, shape: { plain?: boolean; escapeSlashes?: boolean } = {}): Answer {
  const text = JSON.stringify(value);
  return {
    status: 200,
    headers: shape.plain === true ? PLAIN_HEADERS : JSON_HEADERS,
    body: Buffer.from(shape.escapeSlashes === true ? text.replaceAll('/', String.raw`\/`) : text),
    ...errcodeOf(value),
  };
}

/** A body given as text, for responses whose exact bytes matter. */
export function textAnswer(text: string): Answer {
  return { status: 200, headers: JSON_HEADERS, body: Buffer.from(text) };
}

export function binaryAnswer(bytes: Buffer, headers: Readonly<Record<string, string>>): Answer {
  return { status: 200, headers, body: bytes };
}

export function emptyAnswer(status: number): Answer {
  return { status, headers: {}, body: Buffer.alloc(0) };
}

export const OK: Answer = jsonAnswer({ errcode: 0, errmsg: 'ok' });

export function lengthOf(answer: Answer): number {
  return Buffer.isBuffer(answer.body) ? answer.body.length : answer.body.zerosBytes;
}

function errcodeOf(value: unknown): { errcode?: number } {
  if (typeof value !== 'object' || value === null || !('errcode' in value)) return {};
  return typeof value.errcode === 'number' ? { errcode: value.errcode } : {};
}
