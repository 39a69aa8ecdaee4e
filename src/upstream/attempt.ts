import type { Readable } from 'node:stream';
import { Backlog } from './backlog.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import { isWritable, requestHead } from './request-head.ts';
import type { Origin } from './origins.ts';
import type { Pools } from './pools.ts';
import type { ResponseHead } from './response-head.ts';
import { type ResponseHandler, ResponseParser } from './response-parser.ts';
import type { ResponseSink, UpstreamRequest, TransportFailure } from './request.ts';

/** How an attempt ended without a response. */
export interface AttemptFailure extends TransportFailure {
  /**
   * Whether no server can have acted on the request: none of it was written, or it died on a connection that had been
   * idle, before any byte of the response, and is safe to execute twice.
   */
  readonly isRepeatable: boolean;
}

/** The origin of one request, and the callbacks for its outcome. */
export interface SendTo {
  readonly origin: Origin;
  /** Use a new connection. */
  readonly fresh: boolean;
  /** The limit for connecting, from now on. */
  readonly limitMs: number;
  onConnected(): void;
  onAnswered(): void;
  onFailure(failure: AttemptFailure): void;
}

/** A small body is written together with the head: one write, and one TLS record. */
const JOINED_BYTES_MAX = 16 * 1024;

/** One attempt to send a request to one origin, on one connection. */
export class Attempt implements ConnectionUser, ResponseHandler {
  readonly #pools: Pools;
  readonly #request: UpstreamRequest;
  readonly #sink: ResponseSink;
  readonly #to: SendTo;
  readonly #parser: ResponseParser;
  #progress: 'connecting' | 'sent' | 'answered' | 'over' = 'connecting';
  #connection: Connection | undefined;
  #stopWaiting: (() => void) | undefined;
  #body: Readable | undefined;
  #leftBytes = 0;
  #backlog: Backlog | undefined;
  #isReused = false;
  #hasHeard = false;
  #keepAlive = false;
  #keepAliveMs: number | undefined;
  #isPaused = false;

  constructor(pools: Pools, request: UpstreamRequest, sink: ResponseSink, to: SendTo) {
    this.#pools = pools;
    this.#request = request;
    this.#sink = sink;
    this.#to = to;
    this.#parser = new ResponseParser(request.method, this, pools.heads);
  }

  start(): void {
    const { origin, fresh } = this.#to;
    const pools = this.#pools;
    const request = this.#request;
    if (!isWritable(request)) {
      this.#fail('invalid', 'ERR_INVALID_CHAR');
      return;
    }
    const nowMs = pools.clock.monotonicMs();
    const idle = fresh ? undefined : pools.idle(origin, nowMs);
    if (idle !== undefined) {
      this.#send(idle, nowMs);
      return;
    }
    const done = (error: NodeJS.ErrnoException | undefined, connection?: Connection): void => {
      this.#stopWaiting = undefined;
      if (this.#progress === 'over') {
        if (connection !== undefined) pools.release(origin, connection, undefined);
      } else if (connection === undefined) this.#fail('unreachable', reasonOf(error));
      else this.#send(connection, pools.clock.monotonicMs());
    };
    if (fresh) pools.connect(origin, this.#to.limitMs, done);
    else this.#stopWaiting = pools.wait(origin, this.#to.limitMs, done);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#progress === 'answered') this.#owes();
    this.#connection?.socket.resume();
  }

  /** The caller left. A connection that is being established is kept for the next call. */
  abort(): void {
    if (this.#progress === 'over') return;
    this.#stopWaiting?.();
    this.#stop()?.destroy();
  }

  onBytes(bytes: Buffer): void {
    this.#hasHeard = true;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.#break(reasonOf(error));
      return;
    }
    // Deferred until the bytes that arrived with the end of the response are examined.
    if (this.#parser.isOver) this.#letGo();
    else if (this.#progress === 'answered' && !this.#isPaused) this.#owes();
  }

  onDrain(): void {
    const isSent = this.#progress === 'sent';
    if (this.#body === undefined) {
      if (isSent) this.#owes();
      return;
    }
    // A server that has begun to answer may still read, and has its own limit.
    if (isSent) this.#owesNothing();
    this.#backlog?.taken(this.#pools.clock.monotonicMs());
    this.#body.resume();
  }

  onEnd(): void {
    try {
      this.#parser.end();
      this.#letGo();
    } catch (error) {
      this.#break(reasonOf(error));
    }
  }

  onClosed(error: NodeJS.ErrnoException, wasWritten: boolean): void {
    this.#connection = undefined;
    if (this.#progress === 'over') return;
    const wroteNothing = !wasWritten && error.syscall === 'write';
    this.#break(reasonOf(error), wroteNothing);
  }

  onHead(head: ResponseHead): void {
    this.#progress = 'answered';
    this.#to.onAnswered();
    this.#keepAlive = head.keepAlive;
    this.#keepAliveMs = head.keepAliveMs;
    this.#sink.head(head.status, head.reason, head.headers, this.#to.origin, head);
  }

  onData(chunk: Buffer): void {
    if (this.#progress !== 'answered') return;
    if (this.#sink.data(chunk) || !this.#isOpen()) return;
    this.#isPaused = true;
    this.#owesNothing();
    this.#connection?.socket.pause();
  }

  onEnded(trailers: string[]): void {
    if (!this.#isOpen()) return;
    const isWhole = this.#body === undefined;
    // A response that arrives before the request is complete leaves the connection unusable.
    if (!isWhole) this.#keepAlive = false;
    this.#leave();
    this.#sink.end(trailers);
  }

  onLate(): void {
    this.#fail('timeout', 'ETIMEDOUT');
  }

  #isOpen(): boolean {
    return this.#progress !== 'over';
  }

  #send(connection: Connection, nowMs: number): void {
    const request = this.#request;
    const { body } = request;
    this.#connection = connection;
    this.#progress = 'sent';
    connection.take(this);
    this.#isReused = connection.served > 1 || connection.wasIdle;
    this.#to.onConnected();
    const opened = body?.open();
    const { origin } = this.#to;
    const { socket, onWritten } = connection;
    if (opened === undefined) {
      socket.write(requestHead(request, origin), onWritten);
      this.#onRequestEnd(nowMs);
    } else if (Buffer.isBuffer(opened)) {
      if (opened.length <= JOINED_BYTES_MAX) socket.write(requestHead(request, origin, opened), onWritten);
      else {
        socket.cork();
        socket.write(requestHead(request, origin), onWritten);
        socket.write(opened);
        socket.uncork();
      }
      this.#onRequestEnd(nowMs);
    } else {
      this.#body = opened;
      this.#leftBytes = body?.bytes ?? 0;
      opened.once('error', () => this.#break('ERR_BODY_CUT_OFF'));
      this.#owes(nowMs);
      // A body that is not kept can be read only once, so reading starts when the head has been written.
      socket.write(requestHead(request, origin), (error) => {
        onWritten(error);
        if (error === undefined || error === null) this.#stream(opened);
      });
    }
  }

  #stream(body: Readable): void {
    if (this.#body !== body) return;
    if (this.#progress === 'sent') this.#owesNothing();
    this.#backlog = new Backlog();
    body.on('data', (chunk: Buffer) => {
      const socket = this.#connection?.socket;
      if (this.#progress === 'over' || socket === undefined) return;
      this.#leftBytes -= chunk.length;
      if (this.#leftBytes < 0) {
        this.#break('ERR_BODY_LENGTH');
        return;
      }
      if (socket.write(chunk) || this.#leftBytes === 0) {
        // The caller is slow, not the server.
        if (this.#progress === 'answered' && !this.#isPaused) this.#owes();
        return;
      }
      body.pause();
      this.#backlog?.full(this.#pools.clock.monotonicMs());
      // A server that does not read is late too, unless we do not read either.
      if (!this.#isPaused) this.#owes();
    });
    body.once('end', () => {
      if (this.#progress === 'over') return;
      if (this.#leftBytes > 0) this.#break('ERR_BODY_LENGTH');
      else this.#onRequestEnd(this.#pools.clock.monotonicMs());
    });
  }

  #onRequestEnd(nowMs: number): void {
    this.#body = undefined;
    if (this.#progress === 'sent') this.#owes(nowMs);
  }

  /** The response is complete, and so are the bytes that arrived with its end. */
  #letGo(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    if (this.#keepAlive && !this.#parser.isTainted)
      this.#pools.release(this.#to.origin, connection, this.#keepAliveMs);
    else connection.destroy();
  }

  #break(reason: string, wroteNothing = false): void {
    if (this.#progress === 'over') return;
    const { method, body } = this.#request;
    const isSafe = body === undefined && (method === 'GET' || method === 'HEAD');
    const diedIdle = this.#isReused && !this.#hasHeard && isSafe;
    this.#fail('broken', reason, wroteNothing || diedIdle);
  }

  #fail(kind: TransportFailure['kind'], reason: string, isRepeatable = false): void {
    this.#stop()?.destroy();
    this.#to.onFailure({ kind, reason, host: this.#to.origin.host, isRepeatable });
  }

  /** Stops all callbacks. Returns the connection, if there is one. */
  #stop(): Connection | undefined {
    this.#leave();
    const connection = this.#connection;
    this.#connection = undefined;
    return connection;
  }

  #leave(): void {
    this.#progress = 'over';
    this.#owesNothing();
    this.#body?.pause();
    this.#body = undefined;
  }

  /** Starts the time limit for the other side. */
  #owes(nowMs: number = this.#pools.clock.monotonicMs()): void {
    if (this.#connection === undefined) return;
    const dueMs = nowMs + this.#limitMs();
    this.#connection.dueMs = dueMs;
    this.#pools.deadlines.watch(dueMs);
  }

  #owesNothing(): void {
    if (this.#connection !== undefined) this.#connection.dueMs = Infinity;
  }

  #limitMs(): number {
    const { answerTimeoutMs, idleTimeoutMs } = this.#pools.options;
    if (this.#progress === 'answered') return idleTimeoutMs;
    const { repeatAfterMs, body } = this.#request;
    return (repeatAfterMs ?? answerTimeoutMs) + (this.#backlog?.restMs(body?.bytes ?? 0) ?? 0);
  }
}

/** A code, never the error's message: messages may quote the request. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
