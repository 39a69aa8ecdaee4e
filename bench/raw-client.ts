/**
 * One connection that sends requests unchanged, and reads no more of the responses than it must: where they end, and
 * whether they are as expected. A measuring client must cost less than what it measures.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Destination {
  readonly port: number;
  /** The CA for a TLS connection; without it the connection is plain. */
  readonly ca?: string;
}

export interface Response {
  readonly status: number;
  /** Head and body as received. */
  readonly text: string;
}

interface Waiting {
  resolve(response: Response): void;
  reject(error: Error): void;
}

const SILENCE_MS_MAX = 10_000;
const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

export class RawClient {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #bytes = 0;
  /** The total length; unknown until the head has arrived. */
  #bytesInAll: number | undefined;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;

  constructor({ port, ca }: Destination) {
    const to = { port, host: '127.0.0.1' };
    this.#socket = ca === undefined ? connect(to) : connectTls({ ...to, ca });
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(SILENCE_MS_MAX, () => {
      // At once: `close` is emitted later, and the connection could be used for a call before it.
      this.#fail(new Error(`No byte for ${SILENCE_MS_MAX / 1_000} s`));
      this.#socket.destroy();
    });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('The connection was closed')));
  }

  get usable(): boolean {
    return this.#failure === undefined;
  }

  call(request: Buffer): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#bytes += chunk.length;
    this.#bytesInAll ??= lengthOf(this.#whole());
    if (this.#bytesInAll === undefined || this.#bytes < this.#bytesInAll) return;
    const text = this.#whole().toString('latin1');
    this.#received = [];
    this.#bytes = 0;
    this.#bytesInAll = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(text.slice(9, 12)), text });
  }

  #whole(): Buffer {
    const [first = Buffer.alloc(0), ...others] = this.#received;
    if (others.length === 0) return first;
    const whole = Buffer.concat([first, ...others]);
    this.#received = [whole];
    return whole;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}

/** The length of the whole response; undefined as long as it is unknown. */
function lengthOf(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const bodyStart = headEnd + HEAD_END.length;
  const head = bytes.toString('latin1', 0, headEnd).toLowerCase();
  const length = /\ncontent-length: *(\d+)/.exec(head)?.[1];
  if (length !== undefined) return bodyStart + Number(length);
  if (!head.includes('\ntransfer-encoding: chunked')) return bodyStart;
  return bytes.subarray(-5).equals(LAST_CHUNK) ? bytes.length : undefined;
}
