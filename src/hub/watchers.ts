import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type Caller, keyOf, mayDo } from './authenticator.ts';
import type { HubAccounts } from './accounts.ts';
import { WATCH_LIMITS, type ShareLimits } from './limits.ts';
import { secondsLeft, wireToken } from './wire.ts';

export const HEARTBEAT_MS = 15_000;

/** One timer serves all heartbeats: each tick handles one part of the watchers. */
const TICK_MS = 3_000;
const PARTS = HEARTBEAT_MS / TICK_MS;
const HEARTBEAT = Buffer.from(':\n\n');

/** A watcher with this much unread data counts as dead. */
export const UNREAD_BYTES_MAX = 256 * 1024;
/** So many watchers are written to before other work gets a turn. */
const BATCH = 500;

interface Watcher {
  readonly response: ServerResponse;
  readonly caller: Caller;
  readonly address: string;
  readonly sinceUnixMs: number;
  /** Undefined: every account whose token the caller may have, including future ones. */
  readonly appids: ReadonlySet<string> | undefined;
}

export interface WatcherView {
  readonly caller: Caller;
  readonly address: string;
  readonly sinceUnixMs: number;
  readonly appids: readonly string[] | undefined;
}

export interface WatcherParts {
  readonly accounts: Pick<HubAccounts, 'list' | 'peek' | 'token'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: ShareLimits;
}

/**
 * The open streams of server-sent events. A new token is written as one event that all watchers of its
 * account share; a watcher costs little more than its connection.
 */
export class Watchers {
  readonly #parts: WatcherParts;
  readonly #rota: readonly Set<Watcher>[] = Array.from({ length: PARTS }, () => new Set());
  /** By account: the event for the current token, valid for the second in which it was written. */
  readonly #events = new Map<string, { fingerprint: string; secondsLeft: number; event: Buffer }>();
  /** Accounts whose watchers were last sent a token; they need a `gone` event when it expires. */
  readonly #announced = new Set<string>();
  readonly #byCaller = new Map<string, number>();
  #size = 0;
  #opened = 0;
  #ticks = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: WatcherParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether one more watcher of this caller can be accepted. */
  hasRoomFor(caller: Caller): boolean {
    const { max, perCaller } = this.#parts.limits ?? WATCH_LIMITS;
    const own = this.#byCaller.get(keyOf(caller)) ?? 0;
    return !this.#closed && this.#size < max && own < perCaller;
  }

  /** Writes the response headers and the current token of each account, and from then on each new one. */
  open(
    response: ServerResponse,
    caller: Caller,
    address: string,
    wanted: ReadonlySet<string> | undefined,
  ): void {
    // If the client has closed already, there will be no further `close` event.
    if (response.destroyed) return;
    const { accounts, clock } = this.#parts;
    const watcher: Watcher = { response, caller, address, sinceUnixMs: clock.unixMs(), appids: wanted };
    const part = this.#rota[this.#opened++ % PARTS] as Set<Watcher>;
    part.add(watcher);
    this.#count(caller, 1);
    const { socket } = response.req;
    const forget = (): void => {
      socket.off('close', forget);
      if (part.delete(watcher)) this.#count(caller, -1);
    };
    response.once('close', forget);
    // A response that is queued behind another one on its connection gets no event when the connection
    // closes.
    socket.setMaxListeners(0).once('close', forget);
    response.on('error', () => response.destroy());
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    const appids = accounts.list().flatMap(({ appid, mode }) => (mode === 'login' ? [] : [appid]));
    void this.#sendAll(
      watcher,
      appids.filter((appid) => wants(watcher, appid)),
    );
    this.#timer ??= clock.after(TICK_MS, () => this.#tick());
  }

  /** The account has a new token. */
  changed(appid: string): void {
    this.#events.delete(appid);
    this.#broadcast(appid);
  }

  /** The account is not served any more. */
  removed(appid: string): void {
    this.#events.delete(appid);
    if (this.#announced.has(appid)) this.#broadcast(appid);
  }

  /**
   * Ends the streams of callers that are not authorized any more; they can reconnect and are checked again.
   */
  endWhere(isOver: (caller: Caller) => boolean): void {
    for (const watcher of this.#all()) if (isOver(watcher.caller)) watcher.response.end();
  }

  /** Ends all streams and accepts no more. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.endWhere(() => true);
  }

  list(): WatcherView[] {
    return this.#all().map(({ caller, address, sinceUnixMs, appids }) => ({
      caller,
      address,
      sinceUnixMs,
      appids: appids === undefined ? undefined : [...appids],
    }));
  }

  /** Writes the current state of every account; no faster than it is read, because there may be thousands. */
  async #sendAll(watcher: Watcher, appids: readonly string[]): Promise<void> {
    const { response } = watcher;
    for (const appid of appids) {
      if (response.writableNeedDrain) await roomIn(response);
      if (response.destroyed) return;
      void this.#sendFirst(watcher, appid);
    }
  }

  /**
   * An account without a token may be about to get its first one: `gone` is sent only if none arrives.
   */
  async #sendFirst(watcher: Watcher, appid: string): Promise<void> {
    const { accounts } = this.#parts;
    if (accounts.peek(appid) === undefined) {
      const answer = await accounts.token(appid);
      // A token that arrived meanwhile has been sent to all watchers already.
      if (answer.kind === 'token') return;
    }
    this.#write(watcher, this.#eventOf(appid));
  }

  #count(caller: Caller, by: 1 | -1): void {
    this.#size += by;
    const key = keyOf(caller);
    const own = (this.#byCaller.get(key) ?? 0) + by;
    if (own === 0) this.#byCaller.delete(key);
    else this.#byCaller.set(key, own);
  }

  #broadcast(appid: string): void {
    const audience = this.#all().filter((watcher) => wants(watcher, appid));
    this.#inBatches(audience, (batch) => {
      // Looked up again for each batch: if a newer token arrived in between, that one is sent.
      const event = this.#eventOf(appid);
      for (const watcher of batch) this.#write(watcher, event);
    });
  }

  #inBatches(watchers: readonly Watcher[], serve: (batch: readonly Watcher[]) => void): void {
    serve(watchers.slice(0, BATCH));
    if (watchers.length <= BATCH) return;
    this.#parts.clock.after(0, () => this.#inBatches(watchers.slice(BATCH), serve));
  }

  #eventOf(appid: string): Buffer {
    const { accounts, clock } = this.#parts;
    const token = accounts.peek(appid);
    if (token === undefined) {
      this.#announced.delete(appid);
      return Buffer.from(`event: gone\ndata: ${JSON.stringify({ appid })}\n\n`);
    }
    const known = this.#events.get(appid);
    const left = secondsLeft(token, clock);
    if (known?.fingerprint === token.fingerprint && known.secondsLeft === left) return known.event;
    const data = JSON.stringify(wireToken(appid, token, clock));
    const event = Buffer.from(`event: token\ndata: ${data}\n\n`);
    this.#events.set(appid, { fingerprint: token.fingerprint, secondsLeft: left, event });
    this.#announced.add(appid);
    return event;
  }

  #write({ response, caller, address }: Watcher, event: Buffer): void {
    if (response.writableEnded || response.destroyed) return;
    if (response.writableLength > UNREAD_BYTES_MAX) {
      this.#parts.log.warn('watcher disconnected: it does not read', { caller: caller.name, address });
      response.destroy();
      return;
    }
    response.write(event);
  }

  #tick(): void {
    const { accounts, clock } = this.#parts;
    const part = this.#rota[this.#ticks++ % PARTS] as Set<Watcher>;
    this.#inBatches([...part], (batch) => {
      for (const watcher of batch) this.#keepAlive(watcher);
    });
    for (const appid of this.#announced) {
      if (accounts.peek(appid) === undefined) this.removed(appid);
    }
    this.#timer = this.#size === 0 ? undefined : clock.after(TICK_MS, () => this.#tick());
  }

  #keepAlive(watcher: Watcher): void {
    const { response, caller } = watcher;
    // A stream that was ended but is still here has not been read to its end for too long.
    if (response.writableEnded) response.destroy();
    else if ((caller.endsAtMs ?? Infinity) <= this.#parts.clock.monotonicMs()) response.end();
    else this.#write(watcher, HEARTBEAT);
  }

  #all(): Watcher[] {
    return this.#rota.flatMap((part) => [...part]);
  }
}

function wants({ appids, caller }: Watcher, appid: string): boolean {
  return (appids === undefined || appids.has(appid)) && mayDo(caller, 'tokens', appid);
}

/** Resolves when the response has been read further, or its reader is gone. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}
