/** The destination of a response. */
export interface ResponseWire {
  /** Whether the caller sends no further request. */
  readonly isLast: boolean;
  /** Whether it has already sent more. */
  readonly hasMore: boolean;
  write(text: string): void;
  /**
   * Writes three pieces at once; when it returns, their memory may be used again. Returns `false` to ask for a pause until the wire
   * has drained.
   */
  writeTogether(head: Buffer, body: Buffer, end: Buffer): boolean;
  /** The response is complete. */
  ended(): void;
  destroy(): void;
  /** For a response without a date. */
  date(): string;
  /** The header lines that announce the keep-alive timeout of the connection. */
  readonly keepAlive: string;
}

/** Serialized header lines, and the parts that affect framing. */
export interface HeadLines {
  readonly text: string;
  readonly hasDate: boolean;
  /** The value of Content-Length, and where in the text it is; empty and -1 if there is none. */
  readonly length: string;
  readonly lengthAt: number;
  /** Lines that differ from these in the digits of the length alone. */
  readonly like?: HeadLines;
  /** The last head that was written with these lines, or others like them, if they have a date. */
  written?: WrittenHead | undefined;
}

/** Lines like the given ones, which have a length of as many digits. */
export function withLength(like: HeadLines, length: string): HeadLines {
  const { text, lengthAt, hasDate } = like;
  const end = text.slice(lengthAt + length.length);
  return { text: text.slice(0, lengthAt) + length + end, length, lengthAt, hasDate, like };
}

interface WrittenHead {
  readonly status: number;
  readonly reason: string;
  readonly further: string;
  readonly connection: string;
  /** That in the bytes. */
  readonly length: string;
  readonly bytes: Buffer;
  /** Where in the bytes the lines are. */
  readonly linesAt: number;
}

const SEPARATOR = ': ';

/** Takes a flat list of names and values. Throws if they cannot be written. */
export function headLines(headers: readonly string[]): HeadLines {
  let text = '';
  let hasDate = false;
  let length = '';
  let lengthAt = -1;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.length === 4) hasDate ||= name.toLowerCase() === 'date';
    else if (name.length === 14 && name.toLowerCase() === 'content-length') {
      length = headers[at + 1] as string;
      lengthAt = text.length + name.length + SEPARATOR.length;
    }
    text += lineOf(name, headers[at + 1] as string);
  }
  return { text, hasDate, length, lengthAt };
}

/** Writes the response to a plain request as node:http would, with the same head and framing. */
export class PlainResponse {
  readonly #wire: ResponseWire;
  /** Written with the first chunk of the body. */
  #head: Buffer | undefined;
  #isChunked = false;
  #trailers = '';
  #onDrain: (() => void) | undefined;
  #onClose: (() => void) | undefined;
  /** The wire keeps none of what it writes together. */
  readonly keepsNoChunk = true;
  headersSent = false;
  shouldKeepAlive: boolean;

  constructor(wire: ResponseWire) {
    this.#wire = wire;
    this.shouldKeepAlive = !wire.isLast;
  }

  writeContinue(): void {
    this.#wire.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  /** Headers are a flat list of names and values. Throws if they cannot be written. */
  writeHead(status: number, reason: string, headers: readonly string[]): void {
    this.writeLines(status, reason, headLines(headers), '');
  }

  /** The same with precomputed header lines and additional ones that do not affect framing. */
  writeLines(status: number, reason: string, lines: HeadLines, further: string): void {
    const hasLength = lines.lengthAt !== -1 || status === 204 || status === 304;
    // Requests sent ahead are still answered, even if the connection is to be closed.
    if (this.#wire.hasMore) this.shouldKeepAlive = !this.#wire.isLast;
    const connection = this.shouldKeepAlive ? this.#wire.keepAlive : 'Connection: close\r\n';
    this.#isChunked = !hasLength;
    this.headersSent = true;
    const about = { status, reason, further, connection };
    this.#head = headAgain(lines, about);
    if (this.#head !== undefined) return;
    const start = `HTTP/1.1 ${status} ${reason}\r\n`;
    const date = lines.hasDate ? '' : `Date: ${this.#wire.date()}\r\n`;
    const coding = hasLength ? '' : 'Transfer-Encoding: chunked\r\n';
    const bytes = Buffer.from(`${start}${lines.text}${further}${date}${connection}${coding}\r\n`, 'latin1');
    this.#head = bytes;
    if (!lines.hasDate) return;
    (lines.like ?? lines).written = { ...about, length: lines.length, bytes, linesAt: start.length };
  }

  write(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    if (!this.#isChunked) return this.#send(NOTHING, chunk, NOTHING);
    return this.#send(Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'), chunk, CRLF);
  }

  end(chunk?: Buffer): void {
    if (chunk !== undefined && chunk.length > 0) this.write(chunk);
    if (this.#isChunked) this.#send(Buffer.from(`0\r\n${this.#trailers}\r\n`, 'latin1'), NOTHING, NOTHING);
    else if (this.#head !== undefined) this.#send(NOTHING, NOTHING, NOTHING);
    this.#wire.ended();
  }

  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    for (const [name, value] of trailers) this.#trailers += lineOf(name, value);
  }

  destroy(): void {
    this.#wire.destroy();
  }

  on(_: 'drain', run: () => void): void {
    this.#onDrain = run;
  }

  once(_: 'close', run: () => void): void {
    this.#onClose = run;
  }

  /** The response is sent, or the connection is gone. */
  closed(): void {
    this.#onClose?.();
  }

  /** The wire has drained. */
  drained(): void {
    this.#onDrain?.();
  }

  #send(start: Buffer, body: Buffer, end: Buffer): boolean {
    const head = this.#head;
    this.#head = undefined;
    if (head === undefined) return this.#wire.writeTogether(start, body, end);
    return this.#wire.writeTogether(start.length === 0 ? head : Buffer.concat([head, start]), body, end);
  }
}

type About = Pick<WrittenHead, 'status' | 'reason' | 'further' | 'connection'>;

/** A head that was written before, with these lines or with others like them. */
function headAgain(lines: HeadLines, about: About): Buffer | undefined {
  const { written } = lines.like ?? lines;
  if (written === undefined || !isSame(written, about)) return undefined;
  if (written.length === lines.length) return written.bytes;
  const bytes = Buffer.from(written.bytes);
  bytes.write(lines.length, written.linesAt + lines.lengthAt, 'latin1');
  return bytes;
}

function isSame(one: About, other: About): boolean {
  return (
    one.status === other.status &&
    one.further === other.further &&
    one.connection === other.connection &&
    one.reason === other.reason
  );
}

const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

function lineOf(name: string, value: string): string {
  if (NOT_IN_VALUE.test(value))
    throw new TypeError(
      `Cannot write the header ${name}: its value contains a character that no header may contain`,
    );
  return `${name}${SEPARATOR}${value}\r\n`;
}

const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
