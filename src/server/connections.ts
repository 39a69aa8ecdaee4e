import { sleep } from '../base/wait.ts';
import { Server as NetServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../base/clock.ts';
import type { ConnectionTable } from './connection-table.ts';

/** What is tracked of a request, in either lane. */
export interface FollowedRequest {
  readonly socket: Duplex;
  readonly httpVersion: string;
  /** Whether it is complete. */
  readonly complete: boolean;
  /** Bytes of its body that have arrived and are not read yet. */
  readonly readableLength?: number;
}

export interface FollowedResponse {
  readonly headersSent: boolean;
  shouldKeepAlive: boolean;
  writeContinue(): void;
  once(event: 'close', run: () => void): unknown;
}

/** Connections of a server that node:http does not know. */
export interface OtherLane {
  inFlight(): number;
  /** The unfinished exchange of a connection, if it belongs to this lane. */
  of(socket: Duplex): Exchange | undefined;
  /** Closes connections after the responses in progress. */
  askToClose(): void;
  /** Connections whose last response is complete and not yet taken by the system: their callers read slowly. */
  unsent(): number;
  /** Closes those that have carried a request and are idle. */
  closeIdle(): void;
  closeAll(): void;
}

/** A node:http server tracks its connections; another server only accepts for it. */
type AdoptedServer = Server & { closeAllConnections?(): void };

export interface DrainOptions {
  /** New connections are still accepted for this long: callers may learn of the shutdown later than we do. */
  readonly delayMs: number;
  /** The limit for the whole drain, including the delay. */
  readonly timeoutMs: number;
}

export interface DrainOutcome {
  /** Responses that were cut off at the timeout. */
  readonly cut: number;
}

interface Exchange {
  readonly request: FollowedRequest;
  readonly response: FollowedResponse;
}

interface Owed {
  /** Unfinished, oldest first; more than one if the caller pipelines. */
  readonly exchanges: Exchange[];
  /** How much had been read when the last one ended: more than that is the beginning of a request. */
  bytesRead: number;
}

/** How often a drain looks whether what is written has been taken: not everything that is has an event. */
const UNSENT_CHECK_MS = 50;

/** How long a connection without a request yet may still send its first one after we stop accepting. */
const FRESH_GRACE_MS = 250;

/**
 * The connections and unfinished exchanges of one listener, which may be several servers. Draining: keep accepting, but
 * ask every caller to close after its response; stop accepting; wait until nothing is in flight; close the rest.
 */
export class Connections {
  readonly #clock: Clock;
  readonly #table: Pick<ConnectionTable, 'answered' | 'closeAll'>;
  readonly #servers: AdoptedServer[] = [];
  readonly #lanes: OtherLane[] = [];
  /** Connections that have not sent a request yet. */
  readonly #fresh = new Set<Duplex>();
  readonly #exchanges = new Map<Duplex, Owed>();
  #inFlight = 0;
  readonly #askedToClose = new WeakSet<FollowedResponse>();
  #draining: Promise<DrainOutcome> | undefined;
  #onChange: () => void = () => undefined;

  constructor(clock: Clock, table: Pick<ConnectionTable, 'answered' | 'closeAll'>) {
    this.#clock = clock;
    this.#table = table;
  }

  adopt(servers: readonly AdoptedServer[]): void {
    this.#servers.push(...servers);
  }

  adoptLane(lane: OtherLane): void {
    this.#lanes.push(lane);
  }

  inFlight(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.inFlight(), this.#inFlight);
  }

  get isDraining(): boolean {
    return this.#draining !== undefined;
  }

  /** The connection has sent a request. */
  proved(socket: Duplex): void {
    this.#fresh.delete(socket);
  }

  /** Fewer exchanges may be in flight than before. */
  changed(): void {
    this.#onChange();
  }

  opened(socket: Duplex): void {
    this.#fresh.add(socket);
    socket.once('close', () => {
      this.#fresh.delete(socket);
      this.#onChange();
    });
  }

  began(request: FollowedRequest, response: FollowedResponse): void {
    const { socket } = request;
    this.#fresh.delete(socket);
    const exchange = { request, response };
    const owed = this.#exchanges.get(socket);
    if (owed === undefined) this.#follow(socket, { exchanges: [exchange], bytesRead: 0 });
    else owed.exchanges.push(exchange);
    this.#inFlight += 1;
    if (this.#draining !== undefined) this.#askToClose(socket);
    response.once('close', () => this.#ended(socket, exchange));
  }

  #ended(socket: Duplex, exchange: Exchange): void {
    const owed = this.#exchanges.get(socket);
    const at = owed?.exchanges.indexOf(exchange) ?? -1;
    if (owed === undefined || at === -1) return;
    owed.exchanges.splice(at, 1);
    owed.bytesRead = bytesReadOf(socket);
    this.#inFlight -= 1;
    this.#table.answered(socket);
    this.#onChange();
  }

  /** A response queued behind another does not learn that its connection is closed. */
  #follow(socket: Duplex, owed: Owed): void {
    this.#exchanges.set(socket, owed);
    socket.once('close', () => {
      this.#exchanges.delete(socket);
      this.#inFlight -= owed.exchanges.length;
      this.#onChange();
    });
  }

  /** Closes with the last response in progress: closing after an earlier one would lose the others. */
  #askToClose(socket: Duplex): void {
    const owed = this.of(socket).map(({ response }) => response);
    for (const response of owed) {
      const isLast = response === owed.at(-1);
      if (isLast && response.shouldKeepAlive) {
        response.shouldKeepAlive = false;
        this.#askedToClose.add(response);
      } else if (!isLast && this.#askedToClose.has(response) && !response.headersSent) {
        response.shouldKeepAlive = true;
      }
    }
  }

  /** The unfinished exchanges of one connection, oldest first. */
  of(socket: Duplex): readonly Exchange[] {
    for (const lane of this.#lanes) {
      const exchange = lane.of(socket);
      if (exchange !== undefined) return [exchange];
    }
    return this.#exchanges.get(socket)?.exchanges ?? [];
  }

  drain(options: DrainOptions): Promise<DrainOutcome> {
    this.#draining ??= this.#drain(options);
    return this.#draining;
  }

  async #drain({ delayMs, timeoutMs }: DrainOptions): Promise<DrainOutcome> {
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    for (const socket of this.#exchanges.keys()) this.#askToClose(socket);
    for (const lane of this.#lanes) lane.askToClose();
    const pauseMs = Math.min(delayMs, timeoutMs);
    if (pauseMs > 0) await sleep(this.#clock, pauseMs);
    const closed = this.#stopAccepting();
    // Timers keep no process alive, and a caller that has closed its side does not either.
    if (timeoutMs > 0) await this.#quiet(endMs - this.#clock.monotonicMs());
    const cut = this.inFlight() + this.#unsent();
    this.#closeAll();
    await closed;
    return { cut };
  }

  async close(): Promise<void> {
    const closed = this.#stopAccepting();
    this.#closeAll();
    await closed;
  }

  async #stopAccepting(): Promise<void> {
    const closed = this.#servers.map(
      // Not that of node:http, which also destroys connections whose responses the system has not taken yet.
      (server) =>
        new Promise<void>((resolve) => void NetServer.prototype.close.call(server, () => resolve())),
    );
    for (const [socket, { exchanges, bytesRead }] of this.#exchanges) {
      if (exchanges.length === 0 && bytesRead === bytesReadOf(socket)) (socket as Socket).destroySoon();
    }
    for (const lane of this.#lanes) lane.closeIdle();
    await Promise.all(closed);
  }

  #closeAll(): void {
    for (const server of this.#servers) {
      server.closeAllConnections?.();
      // Ends its timers.
      server.close();
    }
    for (const lane of this.#lanes) lane.closeAll();
    this.#table.closeAll();
  }

  #unsent(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.unsent(), 0);
  }

  /** Resolves when nothing is in flight or unsent and no fresh connection is pending, or after `timeoutMs`. */
  #quiet(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      let graceOver = false;
      let unsent: Timer | undefined;
      const finish = (): void => {
        this.#onChange = () => undefined;
        grace.cancel();
        unsent?.cancel();
        timeout.cancel();
        resolve();
      };
      const check = (): void => {
        if (this.inFlight() > 0) return;
        if (this.#unsent() > 0) {
          unsent?.cancel();
          unsent = this.#clock.after(UNSENT_CHECK_MS, check);
        } else if (graceOver || this.#fresh.size === 0) finish();
      };
      const grace = this.#clock.after(Math.min(FRESH_GRACE_MS, timeoutMs), () => {
        graceOver = true;
        check();
      });
      const timeout = this.#clock.after(timeoutMs, finish);
      this.#onChange = check;
      check();
    });
  }
}

function bytesReadOf(socket: Duplex): number {
  return (socket as Socket).bytesRead;
}
