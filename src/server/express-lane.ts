import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../base/clock.ts';
import type { Connections, OtherLane } from './connections.ts';
import { ExpressConnection, type ExpressLimits, type Lane } from './express-connection.ts';
import { KnownFields } from './plain-fields.ts';
import type { PlainExchange } from './plain-exchange.ts';
import type { ConnectionTable } from './connection-table.ts';

/** Serves a plain request if the express lane can; `false` leaves it to the general lane. */
export type ServePlain = (exchange: PlainExchange) => boolean;

export interface ExpressOptions {
  readonly serve: ServePlain;
  readonly connections: Connections;
  readonly connectionTable: ConnectionTable;
  readonly limits: ExpressLimits;
  readonly clock: Clock;
}

/** How long to wait for the rest of a request, at least, before the general lane takes over. */
const PATIENCE_MS = 100;

/**
 * The lane in front of node:http. It reads the connections of a server itself as long as they carry plain requests that
 * each arrive completely within a moment. Everything else (unusual, large or slow requests) moves to the general lane,
 * with its connection and the unanswered bytes. A connection never moves back, and moves only between two responses.
 */
export class ExpressLane implements Lane, OtherLane {
  readonly #options: ExpressOptions;
  readonly #general: (socket: Socket) => void;
  readonly #server: Server;
  readonly keepAlive: string;
  readonly known = new KnownFields();
  readonly #bySocket = new Map<Duplex, ExpressConnection>();
  /** Connections that were handed over before the system had taken their last response here. */
  readonly #unsent = new Set<Socket>();
  #inFlight = 0;
  /** Waiting for the rest of a request since the last tick of the timer; the others have waited longer. */
  #waiting = new Set<ExpressConnection>();
  #waitingLonger = new Set<ExpressConnection>();
  #patience: Timer | undefined;
  #check: Timer | undefined;

  /** `event` is the server's event for a connection that can be read. */
  constructor(server: Server, event: 'connection' | 'secureConnection', options: ExpressOptions) {
    this.#options = options;
    const keptSeconds = Math.floor(options.limits.keepAliveTimeoutMs / 1_000);
    this.keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${keptSeconds}\r\n`;
    this.#server = server;
    const [own] = server.listeners(event);
    if (own === undefined)
      throw new Error('Cannot serve before node:http: it does not listen for connections');
    server.removeListener(event, own as (socket: Socket) => void);
    this.#general = (socket) => void own.call(server, socket);
    server.on(event, (socket: Socket) => this.#opened(socket));
  }

  serve(exchange: PlainExchange): boolean {
    return this.#options.serve(exchange);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get limits(): ExpressLimits {
    return this.#options.limits;
  }

  inFlight(): number {
    return this.#inFlight;
  }

  of(socket: Duplex): { request: PlainExchange; response: PlainExchange['response'] } | undefined {
    const exchange = this.#bySocket.get(socket)?.exchange;
    return exchange === undefined ? undefined : { request: exchange, response: exchange.response };
  }

  askToClose(): void {
    for (const connection of this.#bySocket.values()) connection.askToClose();
  }

  began(connection: ExpressConnection, socket: Socket, isFirst: boolean): void {
    const { connections, connectionTable } = this.#options;
    this.#inFlight += 1;
    connectionTable.began(socket, true);
    if (isFirst) connections.proved(socket);
    if (connections.isDraining) connection.askToClose();
  }

  over(socket: Socket): void {
    const { connections, connectionTable } = this.#options;
    this.#inFlight -= 1;
    connectionTable.answered(socket);
    if (connections.isDraining) connections.changed();
  }

  /** The connection waits for the rest of a request that begins with `bytes`. */
  waits(connection: ExpressConnection): void {
    this.#waiting.add(connection);
    this.#patience ??= this.#options.clock.after(PATIENCE_MS, () => this.#handOverLate());
  }

  waitsNoMore(connection: ExpressConnection): void {
    this.#waiting.delete(connection);
    this.#waitingLonger.delete(connection);
  }

  handOver(connection: ExpressConnection, socket: Socket, bytes: Buffer): void {
    this.forget(connection, socket);
    if (socket.writableLength > 0) {
      this.#unsent.add(socket);
      socket.once('close', () => this.#unsent.delete(socket));
    }
    if (socket.readableEnded) {
      // Nothing can be put back into a stream that has ended.
      this.#general(socket);
      if (bytes.length > 0) socket.emit('data', bytes);
      socket.emit('end');
      return;
    }
    // Unshifted bytes are read on the next tick, before anything that arrives later.
    socket.pause();
    if (bytes.length > 0) socket.unshift(bytes);
    this.#general(socket);
    socket.resume();
  }

  /** Responds as the general lane would. */
  refuse(connection: ExpressConnection, socket: Socket, code: string): void {
    this.forget(connection, socket);
    this.#server.emit('clientError', Object.assign(new Error(code), { code }), socket);
  }

  forget(connection: ExpressConnection, socket: Socket): void {
    this.#bySocket.delete(socket);
    this.waitsNoMore(connection);
  }

  unsent(): number {
    let count = 0;
    for (const connection of this.#bySocket.values()) if (connection.isUnsent) count += 1;
    for (const socket of this.#unsent) if (socket.writableLength > 0) count += 1;
    return count;
  }

  /** Closes those that have carried a request and are idle. */
  closeIdle(): void {
    for (const connection of this.#bySocket.values()) connection.closeIfIdle();
  }

  closeAll(): void {
    this.#patience?.cancel();
    this.#check?.cancel();
    for (const connection of this.#bySocket.values()) connection.destroy();
  }

  #opened(socket: Socket): void {
    this.#bySocket.set(socket, new ExpressConnection(this, socket));
    this.#check ??= this.#options.clock.after(this.limits.checkIntervalMs, () => this.#checkAll());
  }

  #handOverLate(): void {
    this.#patience = undefined;
    const late = this.#waitingLonger;
    this.#waitingLonger = this.#waiting;
    this.#waiting = new Set();
    for (const connection of late) connection.handOver();
    if (this.#waitingLonger.size > 0) {
      this.#patience ??= this.#options.clock.after(PATIENCE_MS, () => this.#handOverLate());
    }
  }

  #checkAll(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const connection of this.#bySocket.values()) connection.check(nowMs);
    this.#check =
      this.#bySocket.size === 0
        ? undefined
        : this.#options.clock.after(this.limits.checkIntervalMs, () => this.#checkAll());
  }
}
