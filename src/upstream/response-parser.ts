import type { KnownHeads } from './known-heads.ts';
import {
  CHUNKED,
  CLOSE,
  type ParsedHead,
  readFields,
  readHead,
  ResponseError,
  type ResponseHead,
} from './response-head.ts';

export interface ResponseHandler {
  onHead(head: ResponseHead): void;
  /** A chunk of the body, without its framing; a part of what was pushed. */
  onData(chunk: Buffer): void;
  onEnded(trailers: string[]): void;
}

/** For a response, an interim one, or the trailers. */
export const HEAD_BYTES_MAX: number = 64 * 1024;
/** Nearly every head is shorter. */
const USUAL_HEAD_BYTES_MAX = 2 * 1024;
/** A server that sends more never sends a final response. */
const INTERIM_MAX = 100;
/** A chunk size with its extensions. */
const SIZE_LINE_BYTES_MAX = 4 * 1024;

const LF = 0x0a;
const CR = 0x0d;

type Phase = 'head' | 'length' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers' | 'close' | 'over';

/**
 * Parses one HTTP/1.1 response from bytes in chunks of any size. Lenient about what servers and gateways send: interim
 * responses are skipped, a line may end in LF alone, a header may be folded, equal lengths count as one. Strict about
 * framing: a message that could end in two places is an error.
 *
 * Source: RFC 9112, sections 2 to 7.
 */
export class ResponseParser {
  readonly #handler: ResponseHandler;
  readonly #hasNoBody: boolean;
  readonly #known: KnownHeads | undefined;
  #phase: Phase = 'head';
  /** The start of a head or line whose end has not arrived yet. */
  #partial: Buffer | undefined;
  #leftBytes = 0;
  #interims = 0;
  #isTainted = false;

  /** `known` caches heads that were parsed before. */
  constructor(method: string, handler: ResponseHandler, known?: KnownHeads) {
    this.#handler = handler;
    this.#known = known;
    this.#hasNoBody = method === 'HEAD';
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Whether the head of the final response has arrived. */
  get hasHead(): boolean {
    return this.#phase !== 'head';
  }

  /** Bytes arrived after the end of the response: nothing else on this connection can be trusted. */
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

  /** The connection ended. Throws if the response is incomplete. */
  end(): void {
    if (this.#phase === 'over') return;
    if (this.#phase !== 'close') throw new ResponseError(this.#phase === 'head' ? 'closed' : 'cut_off');
    this.#finish([]);
  }

  /** Consumes one unit and returns the rest. */
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
    const again = this.#known?.again(all);
    if (again !== undefined)
      return this.#read(again.head, all.length === again.bytes ? NOTHING : all.subarray(again.bytes));
    const beginning = all.toString('latin1', 0, USUAL_HEAD_BYTES_MAX);
    const usualEnd = endIn(beginning);
    const end = usualEnd === -1 && all.length > USUAL_HEAD_BYTES_MAX ? endOfHead(all) : usualEnd;
    if (end === -1) {
      if (all.length > HEAD_BYTES_MAX) throw new ResponseError('head_too_large');
      checkBeginning(all);
      return this.#keep(all);
    }
    if (end > HEAD_BYTES_MAX) throw new ResponseError('head_too_large');
    const text = usualEnd === -1 ? all.toString('latin1', 0, end) : beginning.slice(0, end);
    const head = this.#known === undefined ? readHead(text) : this.#known.read(text);
    return this.#read(head, all.length === end ? NOTHING : all.subarray(end));
  }

  /** `rest` is what follows the head. */
  #read(head: ParsedHead, rest: Buffer): Buffer {
    if (head.status < 200) {
      // The request did not ask for a protocol switch.
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
    const endsConnection = !isEmpty && framing === CLOSE;
    this.#handler.onHead(endsConnection ? { ...head, keepAlive: false } : head);
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
    const piece = bytes.length > this.#leftBytes ? bytes.subarray(0, this.#leftBytes) : bytes;
    this.#leftBytes -= piece.length;
    this.#handler.onData(piece);
    if (isWhole) {
      if (this.#phase === 'length') this.#finish([]);
      else this.#phase = 'chunk end';
    }
    return piece === bytes ? NOTHING : bytes.subarray(piece.length);
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
    if (end > HEAD_BYTES_MAX) throw new ResponseError('head_too_large');
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

  /** Copies them, because the next read may overwrite the bytes. */
  #keep(partial: Buffer): Buffer {
    this.#partial = Buffer.from(partial);
    return NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);

/** The position after the empty line; -1 if it has not arrived. */
function endOfHead(bytes: Buffer): number {
  const usual = bytes.indexOf('\n\r\n', 0, 'latin1');
  const odd = (usual === -1 ? bytes : bytes.subarray(0, usual + 1)).indexOf('\n\n', 0, 'latin1');
  if (odd !== -1) return odd + 2;
  return usual === -1 ? -1 : usual + 3;
}

/** The same in a string. */
function endIn(text: string): number {
  const usual = text.indexOf('\n\r\n');
  const odd = text.indexOf('\n\n');
  if (odd !== -1 && (usual === -1 || odd < usual)) return odd + 2;
  return usual === -1 ? -1 : usual + 3;
}

/** There may be no trailers at all: the empty line then comes first. */
function endOfTrailers(bytes: Buffer): number {
  if (bytes[0] === LF) return 1;
  if (bytes[0] === CR && bytes[1] === LF) return 2;
  return endOfHead(bytes);
}

/** Bytes that do not start like a response never become one: no need to wait for 64 KiB of them. */
function checkBeginning(bytes: Buffer): void {
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, VERSION.length));
  if (!VERSION.startsWith(start)) throw new ResponseError('no_http');
}

const VERSION = 'HTTP/1.';
