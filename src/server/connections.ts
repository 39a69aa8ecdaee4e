import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';

/** What is followed of a request, whichever lane it is in. */
export interface FollowedRequest {
  readonly socket: Duplex;
  readonly httpVersion: string;
  /** Whether it is whole. */
  readonly complete: boolean;
  /** What has come of its body and was not taken yet. */
  readonly readableLength?: number;
}

export interface FollowedResponse {
  readonly headersSent: boolean;
  shouldKeepAlive: boolean;
  writeContinue(): void;
  once(event: 'close', run: () => void): unknown;
}

/** Connections of a server that node:http does not know of. */
export interface OtherLane {
  inFlight(): number;
  /** The unfinished exchange of a connection, if it is one of this lane. */
  of(socket: Duplex): Exchange | undefined;
  /** Connections are to be closed with the answers that are owed. */
  askToClose(): void;
  /** Those that have carried a request, and carry none. */
  closeIdle(): void;
  closeAll(): void;
}

/** One of node:http has its connections; another one only accepts them for it. */
type AdoptedServer = Server & { closeAllConnections?(): void };

export interface DrainOptions {
  /** New connections are still taken for this long: the callers may learn of the stop later than we do. */
  readonly delayMs: number;
  /** The longest that the whole drain takes, the delay with it. */
  readonly timeoutMs: number;
}

export interface DrainOutcome {
  /** Responses that were cut at the timeout. */
  readonly cut: number;
}

interface Exchange {
  readonly request: FollowedRequest;
  readonly response: FollowedResponse;
}

/** How long a connection that has sent no request yet may still bring its first one, once we stop accepting. */
const FRESH_GRACE_MS = 250;

/**
 * The connections and the unfinished exchanges of one listener, which may be more than one server.
 * Draining goes: accept on, but ask every caller to close after its answer; stop accepting; wait until
 * nothing is in flight; cut what is left.
 */
export class Connections {
  readonly #clock: Clock;
  readonly #onAnswered: (socket: Duplex) => void;
  readonly #servers: AdoptedServer[] = [];
  readonly #lanes: OtherLane[] = [];
  /** Connections that have not brought a request yet. */
  readonly #fresh = new Set<Duplex>();
  /** The unfinished exchanges of each connection, oldest first: more than one where the caller pipelines. */
  readonly #exchanges = new Map<Duplex, Exchange[]>();
  #inFlight = 0;
  readonly #askedToClose = new WeakSet<FollowedResponse>();
  #draining: Promise<DrainOutcome> | undefined;
  #onChange: () => void = () => undefined;

  /** `onAnswered` is called for each exchange that has ended on a connection that is still open. */
  constructor(clock: Clock, onAnswered: (socket: Duplex) => void = () => undefined) {
    this.#clock = clock;
    this.#onAnswered = onAnswered;
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

  /** The connection has brought a request. */
  proved(socket: Duplex): void {
    this.#fresh.delete(socket);
  }

  /** There may be less in flight than before. */
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
    if (owed === undefined) this.#follow(socket, [exchange]);
    else owed.push(exchange);
    this.#inFlight += 1;
    if (this.#draining !== undefined) this.#askToClose(socket);
    response.once('close', () => this.#ended(socket, exchange));
  }

  #ended(socket: Duplex, exchange: Exchange): void {
    const owed = this.#exchanges.get(socket);
    const at = owed?.indexOf(exchange) ?? -1;
    if (owed === undefined || at === -1) return;
    owed.splice(at, 1);
    this.#inFlight -= 1;
    this.#onAnswered(socket);
    this.#onChange();
  }

  /** A response that waits behind another one does not hear that its connection is gone. */
  #follow(socket: Duplex, owed: Exchange[]): void {
    this.#exchanges.set(socket, owed);
    socket.once('close', () => {
      this.#exchanges.delete(socket);
      this.#inFlight -= owed.length;
      this.#onChange();
    });
  }

  /** With the last answer that the connection owes: closing after an earlier one would lose the others. */
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
    return this.#exchanges.get(socket) ?? [];
  }

  drain(options: DrainOptions): Promise<DrainOutcome> {
    this.#draining ??= this.#drain(options);
    return this.#draining;
  }

  async #drain({ delayMs, timeoutMs }: DrainOptions): Promise<DrainOutcome> {
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    for (const socket of this.#exchanges.keys()) this.#askToClose(socket);
    for (const lane of this.#lanes) lane.askToClose();
    await this.#waitMs(Math.min(delayMs, timeoutMs));
    const closed = this.#stopAccepting();
    await this.#quiet(endMs - this.#clock.monotonicMs());
    const cut = this.inFlight();
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
      (server) => new Promise<void>((resolve) => void server.close(() => resolve())),
    );
    for (const lane of this.#lanes) lane.closeIdle();
    await Promise.all(closed);
  }

  #closeAll(): void {
    for (const server of this.#servers) server.closeAllConnections?.();
    for (const lane of this.#lanes) lane.closeAll();
  }

  #waitMs(delayMs: number): Promise<void> {
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => void this.#clock.after(delayMs, resolve));
  }

  /** Resolves when nothing is in flight and no fresh connection is waited for, or after `timeoutMs`. */
  #quiet(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      let graceOver = false;
      const finish = (): void => {
        this.#onChange = () => undefined;
        grace.cancel();
        timeout.cancel();
        resolve();
      };
      const look = (): void => {
        if (this.inFlight() === 0 && (graceOver || this.#fresh.size === 0)) finish();
      };
      const grace = this.#clock.after(Math.min(FRESH_GRACE_MS, timeoutMs), () => {
        graceOver = true;
        look();
      });
      const timeout = this.#clock.after(timeoutMs, finish);
      this.#onChange = look;
      look();
    });
  }
}
