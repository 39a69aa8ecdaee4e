/** The head of a final response, and how long its body is. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** A flat list of names and values, in order, as Latin-1. */
  readonly headers: string[];
  /** Whether the connection may carry another request afterwards. */
  readonly keepAlive: boolean;
  /** How long the server keeps an idle connection, from `Keep-Alive: timeout=…`. */
  readonly keepAliveMs: number | undefined;
}

export interface ResponseHandler {
  onHead(head: ResponseHead): void;
  /** A piece of the body, without its framing. */
  onData(chunk: Buffer): void;
  onEnded(trailers: string[]): void;
}

/** What cannot be a response; the code holds no part of it. */
export class ResponseError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`Cannot read a response: ${code}`);
    this.code = code;
  }
}

/** Of a response, an interim one, or the trailers. */
export const HEAD_BYTES_MAX: number = 64 * 1024;
/** A server that sends more of them never comes to the point. */
const INTERIM_MAX = 100;
/** A chunk size with its extensions. */
const SIZE_LINE_BYTES_MAX = 4 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;

type Phase = 'head' | 'length' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers' | 'close' | 'over';

/**
 * Reads one HTTP/1.1 response from bytes in any pieces. Lenient in what servers and gateways send: interim
 * responses are read past, a line may end in LF alone, a header may be folded, equal lengths count as
 * one. Exact in framing: what could end in two places is an error.
 *
 * Source: RFC 9112, sections 2 to 7.
 */
export class ResponseParser {
  readonly #handler: ResponseHandler;
  readonly #hasNoBody: boolean;
  #phase: Phase = 'head';
  /** The beginning of a head or of a line whose end has not come yet. */
  #partial: Buffer | undefined;
  #leftBytes = 0;
  #interims = 0;
  #isTainted = false;

  constructor(method: string, handler: ResponseHandler) {
    this.#handler = handler;
    this.#hasNoBody = method === 'HEAD';
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Whether the head of the final response has come. */
  get hasHead(): boolean {
    return this.#phase !== 'head';
  }

  /** Bytes came after the end of the response: nothing else on this connection can be trusted. */
  get isTainted(): boolean {
    return this.#isTainted;
  }

  /** Throws a `ResponseError`. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#phase === 'over') {
        this.#isTainted = true;
        return;
      }
      rest = this.#step(rest);
    }
  }

  /** The connection ended. Throws if the response is not whole by that. */
  end(): void {
    if (this.#phase === 'over') return;
    if (this.#phase !== 'close') throw new ResponseError(this.#phase === 'head' ? 'closed' : 'cut_off');
    this.#finish([]);
  }

  /** Takes in as much as belongs together, and returns what is left. */
  #step(bytes: Buffer): Buffer {
    switch (this.#phase) {
      case 'head':
        return this.#head(bytes);
      case 'length':
      case 'chunk':
        return this.#body(bytes);
      case 'chunk size':
        return this.#sizeLine(bytes);
      case 'chunk end':
        return this.#chunkEnd(bytes);
      case 'trailers':
        return this.#trailers(bytes);
      case 'close':
        this.#handler.onData(bytes);
        return NOTHING;
      case 'over':
        return bytes;
    }
  }

  #head(bytes: Buffer): Buffer {
    const all = this.#joined(bytes);
    const end = endOfHead(all);
    if (end === -1) {
      if (all.length > HEAD_BYTES_MAX) throw new ResponseError('head_too_large');
      checkBeginning(all);
      return this.#keep(all);
    }
    if (end > HEAD_BYTES_MAX) throw new ResponseError('head_too_large');
    const head = readHead(all.toString('latin1', 0, end));
    const rest = all.length === end ? NOTHING : all.subarray(end);
    if (head.status < 200) {
      // Nothing was asked that a switch of protocols could answer.
      if (head.status === 101) throw new ResponseError('unasked_upgrade');
      this.#interims += 1;
      if (this.#interims > INTERIM_MAX) throw new ResponseError('too_many_interim_responses');
      return rest;
    }
    this.#begin(head);
    return rest;
  }

  #begin(head: ParsedHead): void {
    const { status, framing } = head;
    const isEmpty = this.#hasNoBody || status === 204 || status === 304;
    if (!isEmpty && framing === CLOSE) head.keepAlive = false;
    this.#handler.onHead(head);
    if (isEmpty || framing === 0) {
      this.#finish([]);
    } else if (framing === CHUNKED) {
      this.#phase = 'chunk size';
    } else if (framing === CLOSE) {
      this.#phase = 'close';
    } else {
      this.#leftBytes = framing;
      this.#phase = 'length';
    }
  }

  #body(bytes: Buffer): Buffer {
    const isWhole = bytes.length >= this.#leftBytes;
    const piece = isWhole ? bytes.subarray(0, this.#leftBytes) : bytes;
    this.#leftBytes -= piece.length;
    this.#handler.onData(piece);
    if (isWhole) {
      if (this.#phase === 'length') this.#finish([]);
      else this.#phase = 'chunk end';
    }
    return bytes.subarray(piece.length);
  }

  #sizeLine(bytes: Buffer): Buffer {
    const all = this.#joined(bytes);
    const end = all.indexOf(LF);
    if (end === -1 || end > SIZE_LINE_BYTES_MAX) {
      if (all.length > SIZE_LINE_BYTES_MAX) throw new ResponseError('invalid_chunk');
      return this.#keep(all);
    }
    const size = /^([0-9a-fA-F]{1,12})[\t ]*(?:;[^\r\n]*)?\r?$/.exec(all.toString('latin1', 0, end))?.[1];
    if (size === undefined) throw new ResponseError('invalid_chunk');
    this.#leftBytes = Number.parseInt(size, 16);
    this.#phase = this.#leftBytes === 0 ? 'trailers' : 'chunk';
    return all.subarray(end + 1);
  }

  #chunkEnd(bytes: Buffer): Buffer {
    const all = this.#joined(bytes);
    const at = all[0] === CR ? 1 : 0;
    if (all.length === at) return this.#keep(all);
    if (all[at] !== LF) throw new ResponseError('invalid_chunk');
    this.#phase = 'chunk size';
    return all.subarray(at + 1);
  }

  #trailers(bytes: Buffer): Buffer {
    const all = this.#joined(bytes);
    const end = endOfTrailers(all);
    if (end === -1) {
      if (all.length > HEAD_BYTES_MAX) throw new ResponseError('head_too_large');
      return this.#keep(all);
    }
    this.#finish(readFields(all.toString('latin1', 0, end), 0));
    return all.subarray(end);
  }

  #finish(trailers: string[]): void {
    this.#phase = 'over';
    this.#handler.onEnded(trailers);
  }

  #joined(bytes: Buffer): Buffer {
    if (this.#partial === undefined) return bytes;
    const all = Buffer.concat([this.#partial, bytes]);
    this.#partial = undefined;
    return all;
  }

  #keep(partial: Buffer): Buffer {
    this.#partial = partial;
    return NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);

/** The bytes of the body, or one of the two below. */
type Framing = number;
const CHUNKED = -1;
/** The body ends with the connection. */
const CLOSE = -2;

interface ParsedHead extends ResponseHead {
  keepAlive: boolean;
  readonly framing: Framing;
}

/** The place after the empty line; -1 while it has not come. */
function endOfHead(bytes: Buffer): number {
  const usual = bytes.indexOf('\n\r\n', 0, 'latin1');
  const odd = (usual === -1 ? bytes : bytes.subarray(0, usual + 1)).indexOf('\n\n', 0, 'latin1');
  if (odd !== -1) return odd + 2;
  return usual === -1 ? -1 : usual + 3;
}

/** Trailers may be none at all: then the empty line comes first. */
function endOfTrailers(bytes: Buffer): number {
  if (bytes[0] === LF) return 1;
  if (bytes[0] === CR && bytes[1] === LF) return 2;
  return endOfHead(bytes);
}

/** What does not begin as a response will not become one: there is no need to wait for 64 KiB of it. */
function checkBeginning(bytes: Buffer): void {
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, VERSION.length));
  if (!VERSION.startsWith(start)) throw new ResponseError('no_http');
}

const VERSION = 'HTTP/1.';

function readHead(text: string): ParsedHead {
  const end = text.indexOf('\n');
  const statusLine = text.slice(0, text.charCodeAt(end - 1) === CR ? end - 1 : end);
  const [, minor, code, reason = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (minor === undefined || code === undefined) throw new ResponseError('no_http');
  const headers = readFields(text, end + 1);
  const facts = factsOf(headers);
  const connection = facts.connection.toLowerCase();
  const isPersistent = minor === '0' ? /\bkeep-alive\b/.test(connection) : !/\bclose\b/.test(connection);
  const isAmbiguous = facts.codings !== undefined && (facts.lengths !== undefined || minor === '0');
  return {
    status: Number(code),
    reason,
    headers,
    framing: framingOf(facts),
    // Whoever frames a message in two ways is not trusted with another one.
    keepAlive: isPersistent && !isAmbiguous,
    keepAliveMs: facts.keepAliveMs,
  };
}

const STATUS_LINE = /^HTTP\/1\.(\d) (\d{3})(?: (.*))?$/;

/** Header or trailer lines, from a place on, as a flat list. A folded line continues the value before it. */
function readFields(text: string, from: number): string[] {
  const fields: string[] = [];
  let end = text.indexOf('\n', from);
  for (let start = from; end !== -1; start = end + 1, end = text.indexOf('\n', start)) {
    const lineEnd = text.charCodeAt(end - 1) === CR ? end - 1 : end;
    if (lineEnd <= start) continue;
    const first = text.charCodeAt(start);
    if (first === SPACE || first === TAB) {
      if (fields.length === 0) throw new ResponseError('invalid_head');
      const more = trimmed(text, start, lineEnd);
      const value = fields[fields.length - 1] as string;
      fields[fields.length - 1] = value === '' || more === '' ? value + more : `${value} ${more}`;
      continue;
    }
    const colon = text.indexOf(':', start);
    if (colon === -1 || colon > lineEnd) throw new ResponseError('invalid_head');
    const name = text.slice(start, colon).trimEnd();
    if (!TOKEN.test(name)) throw new ResponseError('invalid_head');
    fields.push(name, trimmed(text, colon + 1, lineEnd));
  }
  return fields;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// oxlint-disable-next-line no-control-regex -- they could end the line for somebody else
const ENDS_LINES = /[\u0000\r]/;

/** A piece of a value without the white space around it. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  const value = text.slice(start, end);
  if (ENDS_LINES.test(value)) throw new ResponseError('invalid_head');
  return value;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

interface Facts {
  lengths: string[] | undefined;
  codings: string[] | undefined;
  connection: string;
  keepAliveMs: number | undefined;
}

function factsOf(headers: readonly string[]): Facts {
  const facts: Facts = { lengths: undefined, codings: undefined, connection: '', keepAliveMs: undefined };
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    // Of all the names, few have the length of one that says how the message is framed.
    if (name.length !== 10 && name.length !== 14 && name.length !== 17) continue;
    const value = headers[at + 1] as string;
    switch (name.toLowerCase()) {
      case 'content-length':
        facts.lengths = [...(facts.lengths ?? []), ...value.split(',').map((each) => each.trim())];
        break;
      case 'transfer-encoding':
        facts.codings = [
          ...(facts.codings ?? []),
          ...value.split(',').map((each) => each.trim().toLowerCase()),
        ];
        break;
      case 'connection':
        facts.connection = `${facts.connection},${value}`;
        break;
      case 'keep-alive': {
        const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
        if (seconds !== undefined) facts.keepAliveMs = Number(seconds) * 1_000;
        break;
      }
    }
  }
  return facts;
}

function framingOf({ lengths, codings }: Facts): Framing {
  if (codings !== undefined) {
    if (codings.indexOf('chunked') !== codings.lastIndexOf('chunked'))
      throw new ResponseError('invalid_framing');
    if (codings.at(-1) === 'chunked') return CHUNKED;
    if (codings.includes('chunked')) throw new ResponseError('invalid_framing');
    return CLOSE;
  }
  const length = lengths?.[0];
  if (length === undefined) return CLOSE;
  if (lengths !== undefined && lengths.length > 1 && lengths.some((each) => each !== length)) {
    throw new ResponseError('conflicting_lengths');
  }
  if (!/^\d{1,15}$/.test(length)) throw new ResponseError('invalid_length');
  return Number(length);
}
