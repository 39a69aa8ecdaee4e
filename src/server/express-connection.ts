import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { copyIfShared } from '../base/read-buffer.ts';
import { ReusedMemory } from '../base/reused-memory.ts';
import { type ExchangeOwner, PlainExchange } from './plain-exchange.ts';
import type { Fields, KnownFields } from './plain-fields.ts';
import { PLAIN_BODY_BYTES_MAX, readPlainRequest } from './plain-request.ts';
import type { ResponseWire } from './plain-response.ts';
import { readIntoOneBuffer } from './shared-reading.ts';

export interface ExpressLimits {
  /** From the connection to its first byte. */
  readonly headersTimeoutMs: number;
  /** Without a request. */
  readonly keepAliveTimeoutMs: number;
  /** How often these two are checked. */
  readonly checkIntervalMs: number;
}

/** What a connection needs from its lane. */
export interface Lane {
  readonly limits: ExpressLimits;
  readonly clock: Clock;
  readonly known: KnownFields;
  /** The header lines of a connection that is kept alive. */
  readonly keepAlive: string;
  /** Returns `false` if the request is for the general lane. */
  serve(exchange: PlainExchange): boolean;
  began(connection: ExpressConnection, socket: Socket, isFirst: boolean): void;
  /** An exchange that began is over. */
  over(socket: Socket): void;
  waits(connection: ExpressConnection): void;
  waitsNoMore(connection: ExpressConnection): void;
  handOver(connection: ExpressConnection, socket: Socket, bytes: Buffer): void;
  refuse(connection: ExpressConnection, socket: Socket, code: string): void;
  forget(connection: ExpressConnection, socket: Socket): void;
}

const NOTHING = Buffer.alloc(0);

/** A caller that sends more than this ahead of its response is paused. */
const AHEAD_BYTES_MAX = PLAIN_BODY_BYTES_MAX;

/** What is written from memory that is used again: most responses, and a TLS record of a large one with its framing. */
const SMALL_BYTES_MAX = 8 * 1024;
const LARGE_BYTES_MAX = 17 * 1024;

const small = new ReusedMemory(SMALL_BYTES_MAX);
const large = new ReusedMemory(LARGE_BYTES_MAX);

/** One connection in the express lane: one request at a time, in order. */
export class ExpressConnection implements ResponseWire, ExchangeOwner {
  readonly #lane: Lane;
  readonly #socket: Socket;
  #unread: Buffer = NOTHING;
  #fields: Fields | undefined;
  #exchange: PlainExchange | undefined;
  /** Both halves of an exchange must end before the next one starts. */
  #isResponseOut = true;
  #isServed = true;
  /** Whether the exchange is served here, which is decided once the request is complete. */
  #hasBegun = false;
  #served = 0;
  /** The caller will send nothing more. */
  #isEnded = false;
  /** The system takes what it can when a socket is written to; TLS encrypts it first. */
  readonly #writesAtOnce: boolean;
  /** The lane knows that the rest of a request is missing. */
  #waits = false;
  #quietSinceMs: number;
  readonly #readAsUsual: (() => void) | undefined;

  constructor(lane: Lane, socket: Socket) {
    this.#lane = lane;
    this.#socket = socket;
    this.#writesAtOnce = !('encrypted' in socket);
    this.#quietSinceMs = lane.clock.monotonicMs();
    this.#readAsUsual = readIntoOneBuffer(socket, this.#onData);
    if (this.#readAsUsual === undefined) socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get isLast(): boolean {
    return this.#fields?.isLast === true || (this.#isEnded && this.#unread.length === 0);
  }

  get hasMore(): boolean {
    return this.#unread.length > 0;
  }

  get keepAlive(): string {
    return this.#lane.keepAlive;
  }

  date(): string {
    return new Date(this.#lane.clock.unixMs()).toUTCString();
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  writeTogether(head: Buffer, body: Buffer, end: Buffer): boolean {
    const socket = this.#socket;
    const length = head.length + body.length + end.length;
    // An empty write would make a TLS socket read at once, in the middle of what is being read.
    if (length === 0) return true;
    const memory = length <= SMALL_BYTES_MAX ? small : large;
    const reused = this.#writesAtOnce && socket.writableLength === 0 ? memory.take(length) : undefined;
    const bytes = reused ?? Buffer.allocUnsafe(length);
    bytes.set(head, 0);
    bytes.set(body, head.length);
    if (end.length > 0) bytes.set(end, head.length + body.length);
    const goesOn = socket.write(bytes);
    // The system has not taken all of it yet.
    if (reused !== undefined && socket.writableLength > 0) memory.leave();
    return goesOn;
  }

  ended(): void {
    this.#isResponseOut = true;
    this.#next();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Its responses are complete, and the system has not taken all of them yet. */
  get isUnsent(): boolean {
    return this.#exchange === undefined && this.#socket.writableLength > 0;
  }

  closeIfIdle(): void {
    if (this.#exchange === undefined && this.#served > 0 && this.#unread.length === 0)
      this.#socket.destroySoon();
  }

  /** Moves the connection to the general lane; only between two responses. */
  handOver(): void {
    const bytes = copyIfShared(this.#unread);
    this.#unread = NOTHING;
    this.#leave();
    this.#lane.handOver(this, this.#socket, bytes);
  }

  /** Closes the connection if it has been quiet for too long. */
  check(nowMs: number): void {
    if (this.#exchange !== undefined || this.#unread.length > 0) return;
    const { headersTimeoutMs, keepAliveTimeoutMs } = this.#lane.limits;
    if (this.isUnsent) {
      this.#quietSinceMs = nowMs;
      this.#limitUnsent(keepAliveTimeoutMs);
      return;
    }
    const quietMs = nowMs - this.#quietSinceMs;
    if (this.#served > 0) {
      if (quietMs >= keepAliveTimeoutMs) this.#socket.destroy();
    } else if (quietMs >= headersTimeoutMs) {
      this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
    }
  }

  /** A caller that still reads its last response is not idle; Node knows whether it does. */
  #limitUnsent(timeoutMs: number): void {
    if (this.#socket.timeout === timeoutMs) return;
    this.#socket.setTimeout(timeoutMs);
    this.#socket.on('timeout', this.#onTimeout);
  }

  /** The bytes may be valid until this returns only. */
  readonly #onData = (bytes: Buffer): void => {
    this.#unread = this.#unread.length > 0 ? Buffer.concat([this.#unread, bytes]) : bytes;
    if (this.#exchange === undefined) {
      this.#read();
    } else if (this.#unread.length > AHEAD_BYTES_MAX) this.#socket.pause();
    if (this.#unread.length > 0) this.#unread = copyIfShared(this.#unread);
  };

  #read(): void {
    const bytes = this.#unread;
    const reading = readPlainRequest(bytes, this.#lane.known, this.#fields);
    if (reading.kind === 'other') {
      this.handOver();
      return;
    }
    if (reading.kind === 'partial') {
      if (this.#isEnded) this.#refuse('HPE_INVALID_EOF_STATE');
      else this.#wait();
      return;
    }
    // Before it is served: its response may be complete when that returns, and the next request in flight by the time
    // that the lane looks after those that wait.
    if (this.#waits) this.#waitNoMore();
    const { request } = reading;
    this.#fields = request.fields;
    // Requests that are sent ahead are served at once in the general lane.
    if (bytes.length > reading.bytes) {
      this.handOver();
      return;
    }
    this.#unread = NOTHING;
    const exchange = new PlainExchange(request, this.#socket, this, this);
    this.#exchange = exchange;
    this.#isResponseOut = false;
    this.#isServed = false;
    if (this.#lane.serve(exchange)) return;
    this.#exchange = undefined;
    this.#unread = bytes;
    this.handOver();
  }

  #wait(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#lane.waits(this);
  }

  #waitNoMore(): void {
    this.#waits = false;
    this.#lane.waitsNoMore(this);
  }

  get exchange(): PlainExchange | undefined {
    return this.#hasBegun ? this.#exchange : undefined;
  }

  /** Closes with the response in progress. */
  askToClose(): void {
    if (this.#exchange !== undefined) this.#exchange.response.shouldKeepAlive = false;
  }

  began(): void {
    this.#served += 1;
    this.#hasBegun = true;
    this.#lane.began(this, this.#socket, this.#served === 1);
  }

  over(): void {
    this.#isServed = true;
    this.#next();
  }

  /** Reads the next request, once the previous one is done. */
  #next(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !this.#isServed || !this.#isResponseOut) return;
    this.#ended();
    if (!exchange.response.shouldKeepAlive) {
      this.#socket.destroySoon();
      return;
    }
    if (this.#unread.length === 0) {
      if (this.#isEnded) this.#socket.end();
      else this.#quietSinceMs = this.#lane.clock.monotonicMs();
      return;
    }
    this.#socket.resume();
    this.#read();
  }

  #ended(): void {
    this.#exchange?.response.closed();
    this.#exchange = undefined;
    if (this.#hasBegun) this.#lane.over(this.#socket);
    this.#hasBegun = false;
  }

  #refuse(code: string): void {
    this.#leave();
    this.#lane.refuse(this, this.#socket, code);
  }

  #leave(): void {
    const socket = this.#socket;
    this.#readAsUsual?.();
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('timeout', this.#onTimeout);
    // The general lane has no such limit.
    if (socket.timeout !== undefined) socket.setTimeout(0);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
  }

  readonly #onDrain = (): void => this.#exchange?.response.drained();

  readonly #onTimeout = (): void => {
    if (this.isUnsent) this.#socket.destroy();
  };

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    if (this.#exchange !== undefined) {
      if (this.#unread.length === 0) this.#exchange.response.shouldKeepAlive = false;
      return;
    }
    if (this.#unread.length > 0) this.#refuse('HPE_INVALID_EOF_STATE');
    else this.#socket.end();
  };

  /** The `close` event that follows reports what happened. */
  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    this.#lane.forget(this, this.#socket);
    const exchange = this.#exchange;
    this.#ended();
    if (!this.#isResponseOut) exchange?.onLeft?.();
  };
}
