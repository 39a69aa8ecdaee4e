import type { OnReadOpts } from 'node:net';
import type { Clock, Timer } from '../base/clock.ts';
import { lastRead, READ_BUFFER } from '../base/read-buffer.ts';
import { Connector, type ConnectorOptions } from './connect.ts';
import { Connection } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { HANDSHAKES_MAX } from './handshakes.ts';
import { KnownHeads } from './known-heads.ts';
import type { Origin } from './origins.ts';

export interface PoolOptions extends ConnectorOptions {
  /** From the end of the request to the head of the response. */
  readonly answerTimeoutMs: number;
  /** Between two chunks of the response body. */
  readonly idleTimeoutMs: number;
  /** Called if a connection could not be made after the callers waiting for it have left. */
  readonly onUnreachable?: (origin: Origin, error: Error) => void;
}

/** How long an idle connection is kept if the server does not say; less than common load balancers allow. */
export const KEEP_ALIVE_MS: number = 15_000;
const KEEP_ALIVE_MS_MAX = 60_000;
const KEEP_ALIVE_MARGIN_MS = 1_000;
/** A connection keeps the address its name had when it was made; names move. */
const AGE_MS_MAX: number = 600_000;
/** For a client that is not ours, which cannot say how many it needs. */
export const CONNECTIONS_IDLE_MAX: number = 256;
/** How often idle connections are checked. */
const SWEEP_MS = 5_000;

/** Called once: with a connection, or with an error. */
export type OnConnection = (error: NodeJS.ErrnoException | undefined, connection?: Connection) => void;

interface Waiter {
  readonly deadlineMs: number;
  timer: Timer;
  readonly done: OnConnection;
}

/** The connections to all origins. */
export class Pools {
  readonly options: PoolOptions;
  readonly connector: Connector;
  readonly deadlines: Deadlines;
  readonly heads = new KnownHeads();
  readonly #pools = new Map<string, OriginPool>();
  #sweep: Timer | undefined;
  #renewedMs = -Infinity;
  #closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.connector = new Connector(options);
    this.deadlines = new Deadlines(options.clock);
  }

  get clock(): Clock {
    return this.options.clock;
  }

  /** An idle connection, if there is one. */
  idle(origin: Origin, nowMs: number): Connection | undefined {
    return this.#pools.get(origin.url)?.idle(nowMs);
  }

  /**
   * The first connection that is idle or established within `limitMs`; within the limit for one origin, if there is none
   * for anybody in that time. Returns a function that cancels the wait.
   */
  wait(origin: Origin, limitMs: number, done: OnConnection): () => void {
    return this.#poolOf(origin).wait(limitMs, done);
  }

  /** A new connection. */
  connect(origin: Origin, limitMs: number, done: OnConnection): void {
    this.#poolOf(origin).connect(limitMs, done);
  }

  /** Opens a connection before the first call. If that fails, the call will find out. */
  warm(origin: Origin): void {
    this.connect(origin, this.options.connectTimeoutMs, (_, connection) => {
      if (connection !== undefined) this.release(origin, connection, undefined);
    });
  }

  /** The request is over, and its response was complete. */
  release(origin: Origin, connection: Connection, keepAliveMs: number | undefined): void {
    if (this.#closed) {
      connection.destroy();
      return;
    }
    this.#poolOf(origin).release(connection, idleMsOf(keepAliveMs));
    this.#sweep ??= this.clock.after(SWEEP_MS, () => this.#sweepAll());
  }

  /** The egress route has changed: existing connections finish their current call and carry no other. */
  renew(): void {
    this.#renewedMs = this.clock.monotonicMs();
    for (const pool of this.#pools.values()) pool.endIdle();
  }

  /** Whether a connection made at `bornMs` must not carry further calls. */
  isWornOut(bornMs: number, nowMs: number = this.clock.monotonicMs()): boolean {
    return nowMs - bornMs >= AGE_MS_MAX || bornMs <= this.#renewedMs;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const pool of this.#pools.values()) pool.close();
    this.deadlines.close();
    return Promise.resolve();
  }

  #sweepAll(): void {
    let left = 0;
    for (const pool of this.#pools.values()) left += pool.sweep();
    this.#sweep = left === 0 ? undefined : this.clock.after(SWEEP_MS, () => this.#sweepAll());
  }

  #poolOf(origin: Origin): OriginPool {
    const known = this.#pools.get(origin.url);
    if (known !== undefined) return known;
    const pool = new OriginPool(origin, this);
    this.#pools.set(origin.url, pool);
    return pool;
  }
}

class OriginPool {
  readonly #origin: Origin;
  readonly #pools: Pools;
  readonly #deadlines: Deadlines;
  readonly #clock: Clock;
  readonly #onUnreachable: PoolOptions['onUnreachable'];
  /** The most recently used one is used first, so that the others can expire. */
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #waiting = new Set<Waiter>();
  #connecting = 0;
  /** When a connection was last made. */
  #aliveMs = -Infinity;
  #closed = false;

  constructor(origin: Origin, pools: Pools) {
    const { clock, onUnreachable } = pools.options;
    this.#origin = origin;
    this.#pools = pools;
    this.#onUnreachable = onUnreachable;
    this.#deadlines = pools.deadlines;
    this.#clock = clock;
  }

  idle(nowMs: number): Connection | undefined {
    for (let next = this.#idle.pop(); next !== undefined; next = this.#idle.pop()) {
      if (next.isUsable && nowMs < next.idleUntilMs && !this.#pools.isWornOut(next.bornMs, nowMs))
        return next;
      next.destroy();
    }
    return undefined;
  }

  wait(limitMs: number, done: OnConnection): () => void {
    const sinceMs = this.#clock.monotonicMs();
    const firstMs = Math.min(limitMs, this.#pools.options.connectTimeoutMs);
    const giveUp = (): void => {
      if (this.#waiting.delete(waiter)) done(timedOut());
    };
    const timer = this.#clock.after(firstMs, () => {
      // Others wait before it, and get their connections; or nobody does, and there may be another origin.
      if (this.#aliveMs >= sinceMs && limitMs > firstMs)
        waiter.timer = this.#clock.after(limitMs - firstMs, giveUp);
      else giveUp();
    });
    const waiter: Waiter = { deadlineMs: sinceMs + limitMs, timer, done };
    this.#waiting.add(waiter);
    this.#open(limitMs);
    return () => this.#leave(waiter);
  }

  connect(limitMs: number, done: OnConnection): void {
    let made: Connection | undefined;
    const onread = intoOneBuffer((bytes) => made?.onBytes(bytes));
    this.#pools.connector.connect(
      this.#origin,
      limitMs,
      (error, socket) => {
        if (socket === undefined) {
          done(error);
          return;
        }
        made = this.#made(socket);
        done(undefined, made);
      },
      onread,
    );
  }

  release(connection: Connection, keepAliveMs: number): void {
    connection.release();
    const nowMs = this.#clock.monotonicMs();
    if (!connection.isUsable || this.#closed || this.#pools.isWornOut(connection.bornMs, nowMs)) {
      connection.destroy();
      return;
    }
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) {
      waiter.done(undefined, connection);
      return;
    }
    connection.idleUntilMs = nowMs + keepAliveMs;
    connection.wasIdle = true;
    this.#idle.push(connection);
  }

  /** Closes connections that were idle for too long. Returns how many are left. */
  sweep(): number {
    const nowMs = this.#clock.monotonicMs();
    for (const connection of this.#idle.filter(({ idleUntilMs }) => nowMs >= idleUntilMs))
      connection.destroy();
    return this.#idle.length;
  }

  endIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.destroy();
  }

  /** Starts another handshake if fewer are running than there are waiters, and than the limit. */
  #open(limitMs: number): void {
    if (this.#closed || this.#connecting >= Math.min(this.#waiting.size, HANDSHAKES_MAX)) return;
    this.#connecting += 1;
    this.connect(limitMs, (error, connection) => {
      this.#connecting -= 1;
      const waiter = this.#nextWaiter();
      if (connection === undefined) {
        if (waiter === undefined && error !== undefined) this.#onUnreachable?.(this.#origin, error);
        waiter?.done(error);
      } else if (waiter === undefined) this.release(connection, KEEP_ALIVE_MS);
      else waiter.done(undefined, connection);
      const [next] = this.#waiting;
      if (next !== undefined) this.#open(Math.max(0, next.deadlineMs - this.#clock.monotonicMs()));
    });
  }

  #nextWaiter(): Waiter | undefined {
    const [waiter] = this.#waiting;
    if (waiter !== undefined) this.#leave(waiter);
    return waiter;
  }

  #leave(waiter: Waiter): void {
    waiter.timer.cancel();
    this.#waiting.delete(waiter);
  }

  #made(socket: ConstructorParameters<typeof Connection>[0]): Connection {
    const nowMs = this.#clock.monotonicMs();
    this.#aliveMs = nowMs;
    const connection = new Connection(socket, nowMs, (closed) => {
      this.#all.delete(closed);
      this.#deadlines.leave(closed);
      const at = this.#idle.indexOf(closed);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    this.#all.add(connection);
    this.#deadlines.join(connection);
    if (this.#closed) connection.destroy();
    return connection;
  }
}

function intoOneBuffer(onBytes: (bytes: Buffer) => void): OnReadOpts {
  return {
    buffer: READ_BUFFER,
    callback(length) {
      onBytes(lastRead(length));
      return true;
    },
  };
}

/** How long a connection may be idle: the server's limit, less a margin for requests under way when it closes. */
function idleMsOf(keepAliveMs: number | undefined): number {
  if (keepAliveMs === undefined) return KEEP_ALIVE_MS;
  return Math.min(keepAliveMs - Math.min(KEEP_ALIVE_MARGIN_MS, keepAliveMs / 2), KEEP_ALIVE_MS_MAX);
}

function timedOut(): NodeJS.ErrnoException {
  return Object.assign(new Error('Cannot connect in time'), { code: 'ETIMEDOUT' });
}
