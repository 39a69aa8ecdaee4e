import type { Readable } from 'node:stream';
import type { Timer } from '../base/clock.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import { isWritable, requestHead } from './request-head.ts';
import type { Origin } from './origins.ts';
import type { Pools } from './pools.ts';
import { type ResponseHead, ResponseParser } from './response-parser.ts';
import type { AnswerSink, Outgoing, TransportFailure } from './request.ts';

/** How an attempt ended without an answer. */
export interface AttemptFailure extends TransportFailure {
  /**
   * Whether it is certain that nobody has read the request: nothing of it was written, or it died on a
   * connection that had been idle, before any byte of the answer, and may be executed twice without harm.
   */
  readonly isRepeatable: boolean;
}

export interface AttemptOptions {
  readonly pools: Pools;
  readonly request: Outgoing;
  readonly origin: Origin;
  /** Over a connection that nobody has used. */
  readonly fresh: boolean;
  /** For the connection to stand. */
  readonly limitMs: number;
  readonly sink: AnswerSink;
  readonly onConnected: () => void;
  readonly onAnswered?: () => void;
  readonly onFailure: (failure: AttemptFailure) => void;
}

/** A small body is written together with the head: one write, and one TLS record. */
const JOINED_BYTES_MAX = 16 * 1024;

/** One sending of a request over one origin, on one connection. */
export class Attempt implements ConnectionUser {
  readonly #options: AttemptOptions;
  readonly #parser: ResponseParser;
  #progress: 'connecting' | 'sent' | 'answered' | 'over' = 'connecting';
  #connection: Connection | undefined;
  #stopWaiting: (() => void) | undefined;
  #body: Readable | undefined;
  #leftBytes = 0;
  #isReused = false;
  /** Whether the head has left this process, and any byte has come back. */
  #isWritten = false;
  #hasHeard = false;
  #keepAlive = false;
  #keepAliveMs: number | undefined;
  #isPaused = false;
  /** Since when the other side owes us something; undefined while it does not. */
  #owesSinceMs: number | undefined;
  #timer: Timer | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { sink } = options;
    this.#parser = new ResponseParser(options.request.method, {
      onHead: (head) => this.#onHead(head),
      onData: (chunk) => {
        if (sink.data(chunk) || this.#progress === 'over') return;
        this.#isPaused = true;
        this.#connection?.socket.pause();
      },
      onEnd: (trailers) => this.#onAnswerEnd(trailers),
    });
  }

  start(): void {
    const { pools, request, origin, fresh, limitMs } = this.#options;
    if (!isWritable(request)) {
      this.#fail('invalid', 'ERR_INVALID_CHAR');
      return;
    }
    const idle = fresh ? undefined : pools.idle(origin);
    if (idle !== undefined) {
      this.#send(idle);
      return;
    }
    const done = (error: NodeJS.ErrnoException | undefined, connection?: Connection): void => {
      this.#stopWaiting = undefined;
      if (this.#progress === 'over') {
        if (connection !== undefined) pools.release(origin, connection, undefined);
      } else if (connection === undefined) this.#fail('unreachable', reasonOf(error));
      else this.#send(connection);
    };
    if (fresh) pools.connect(origin, limitMs, done);
    else this.#stopWaiting = pools.wait(origin, limitMs, done);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#progress === 'answered') this.#owes();
    this.#connection?.socket.resume();
  }

  /** The caller left. A connection that is being made is kept for the next one. */
  abort(): void {
    if (this.#progress === 'over') return;
    this.#stopWaiting?.();
    this.#stop()?.destroy();
  }

  onBytes(bytes: Buffer): void {
    this.#hasHeard = true;
    if (this.#progress === 'answered') this.#owes();
    try {
      this.#parser.push(bytes);
      // An answer is the last word, whatever comes behind it; only its connection is good for nothing.
      if (this.#progress === 'over' && this.#parser.isTainted) return;
    } catch (error) {
      this.#break(reasonOf(error));
    }
  }

  onDrain(): void {
    if (this.#progress !== 'sent') return;
    if (this.#body === undefined) {
      this.#owes();
      return;
    }
    this.#owesSinceMs = undefined;
    this.#body.resume();
  }

  onEnd(): void {
    try {
      this.#parser.end();
    } catch (error) {
      this.#break(reasonOf(error));
    }
  }

  onGone(error: NodeJS.ErrnoException): void {
    this.#connection = undefined;
    if (this.#progress === 'over') return;
    const wroteNothing = !this.#isWritten && error.syscall === 'write';
    this.#break(reasonOf(error), wroteNothing);
  }

  #send(connection: Connection): void {
    const { request, origin, onConnected } = this.#options;
    const { body } = request;
    this.#connection = connection;
    this.#progress = 'sent';
    connection.take(this);
    this.#isReused = connection.served > 1;
    onConnected();
    const opened = body?.open();
    const head = requestHead(request, origin);
    const written = (error?: Error | null): void => {
      if (error === undefined || error === null) this.#isWritten = true;
    };
    const { socket } = connection;
    if (opened === undefined) {
      socket.write(head, 'latin1', written);
      this.#onRequestEnd();
    } else if (Buffer.isBuffer(opened)) {
      if (opened.length <= JOINED_BYTES_MAX) socket.write(joined(head, opened), written);
      else {
        socket.cork();
        socket.write(head, 'latin1', written);
        socket.write(opened);
        socket.uncork();
      }
      this.#onRequestEnd();
    } else {
      socket.write(head, 'latin1', written);
      this.#stream(opened, body?.bytes ?? 0);
    }
  }

  #stream(body: Readable, bytes: number): void {
    this.#body = body;
    this.#leftBytes = bytes;
    body.on('data', (chunk: Buffer) => {
      const socket = this.#connection?.socket;
      if (this.#progress === 'over' || socket === undefined) return;
      this.#leftBytes -= chunk.length;
      if (this.#leftBytes < 0) {
        this.#break('ERR_BODY_LENGTH');
        return;
      }
      if (socket.write(chunk) || this.#leftBytes === 0) return;
      body.pause();
      // Whoever does not read is as late as whoever does not answer.
      this.#owes();
    });
    body.once('end', () => {
      if (this.#progress === 'over') return;
      if (this.#leftBytes > 0) this.#break('ERR_BODY_LENGTH');
      else this.#onRequestEnd();
    });
    body.once('error', () => this.#break('ERR_BODY_CUT_OFF'));
  }

  #onRequestEnd(): void {
    this.#body = undefined;
    if (this.#progress === 'sent') this.#owes();
  }

  #onHead(head: ResponseHead): void {
    this.#progress = 'answered';
    this.#options.onAnswered?.();
    this.#keepAlive = head.keepAlive;
    this.#keepAliveMs = head.keepAliveMs;
    const { answerTimeoutMs, idleTimeoutMs } = this.#options.pools.options;
    if (idleTimeoutMs < answerTimeoutMs) this.#disarm();
    this.#owes();
    this.#options.sink.head(head.status, head.reason, head.headers, this.#options.origin);
  }

  #onAnswerEnd(trailers: string[]): void {
    const { pools, origin, sink } = this.#options;
    const isRequestWhole = this.#body === undefined;
    const connection = this.#stop();
    if (connection !== undefined) {
      // An answer that came before the request was whole leaves a connection that nobody else can use.
      if (this.#keepAlive && isRequestWhole) this.#letGo(connection, pools, origin);
      else connection.destroy();
    }
    sink.end(trailers);
  }

  /** After the bytes that have come with the end of the answer were looked at. */
  #letGo(connection: Connection, pools: Pools, origin: Origin): void {
    queueMicrotask(() => {
      if (this.#parser.isTainted) connection.destroy();
      else pools.release(origin, connection, this.#keepAliveMs);
    });
  }

  #break(reason: string, wroteNothing = false): void {
    if (this.#progress === 'over') return;
    const { method, body } = this.#options.request;
    const isSafe = body === undefined && (method === 'GET' || method === 'HEAD');
    const diedIdle = this.#isReused && !this.#hasHeard && isSafe;
    this.#fail('broken', reason, wroteNothing || diedIdle);
  }

  #fail(kind: TransportFailure['kind'], reason: string, isRepeatable = false): void {
    this.#stop()?.destroy();
    this.#options.onFailure({ kind, reason, host: this.#options.origin.host, isRepeatable });
  }

  /** Nothing more is told from now on. Returns the connection, if there is one. */
  #stop(): Connection | undefined {
    this.#progress = 'over';
    this.#disarm();
    this.#body?.pause();
    this.#body = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    return connection;
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The other side has to do something, from now on, within the time limit. */
  #owes(): void {
    const { clock } = this.#options.pools;
    this.#owesSinceMs = clock.lifeMs();
    this.#timer ??= clock.after(this.#limitMs(), () => this.#onTimer());
  }

  #onTimer(): void {
    const { clock } = this.#options.pools;
    this.#timer = undefined;
    // Nobody is late while the caller rests, or while it still sends.
    if (this.#owesSinceMs === undefined || this.#isPaused) return;
    const leftMs = this.#owesSinceMs + this.#limitMs() - clock.lifeMs();
    if (leftMs <= 0) this.#fail('timeout', 'ETIMEDOUT');
    else this.#timer = clock.after(leftMs, () => this.#onTimer());
  }

  #limitMs(): number {
    const { pools, request } = this.#options;
    const { answerTimeoutMs, idleTimeoutMs } = pools.options;
    return this.#progress === 'answered' ? idleTimeoutMs : (request.repeatAfterMs ?? answerTimeoutMs);
  }
}

function joined(head: string, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 'latin1');
  bytes.set(body, head.length);
  return bytes;
}

/** A code, never the error's message: messages may quote the request. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
