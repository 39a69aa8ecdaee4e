import { backoffMs } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { ResponseSink, Exchange, TransportFailure } from '../upstream/request.ts';
import type { Origin, Origins } from '../upstream/origins.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import type { HubClient } from './client.ts';
import { restMsOf } from './outcome.ts';
import { EventReader, type ServerEvent } from './sse.ts';

export interface HubWatchParts {
  readonly client: HubClient;
  readonly origins: Origins;
  /** Returns path and query for each stream. */
  readonly path: () => string;
  /** `sinceMs`: the earliest time at which the hub can have sent it; the network, or a suspend of ours, may delay it. */
  readonly onEvent: (event: ServerEvent, sinceMs: number) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface WatchStatus {
  readonly state: 'open' | 'connecting' | 'waiting' | 'closed';
  /** The host of an open stream, or of one that is being opened. */
  readonly host?: string;
  readonly sinceUnixMs: number;
  readonly lastFailure?: string;
}

/** A hub sends a heartbeat every 15 s: after three missing ones, it or the route to it is down. */
const SILENCE_MS_MAX = 45_000;

/** Chunks that are read closer together than this may belong to one backlog. */
const BACKLOG_MS = 1_000;

/** Timeout for the response headers. */
const OPEN_MS_MAX = 10_000;

/** Full jitter from 0 to this, doubling up to the cap: a thousand sidecars must not reconnect at the same moment. */
const RETRY_BASE_MS = 2_000;
const RETRY_CAP_MS = 20_000;

/** Calls that need the hub reopen the stream at most this often. */
const WAKE_SPACING_MS = 1_000;

/** A stream to another than the first address is reopened after at least this long, to return to the first. */
const DETOUR_MS = 300_000;

/** Keeps an event stream from the hub open, at the first address that works. */
export class HubWatch {
  readonly #parts: HubWatchParts;
  #status: WatchStatus;
  /** Number of failures since the last event. */
  #failures = 0;
  #startedMs: number | undefined;
  #restUntilMs = 0;
  /** Whether the open stream has delivered an event. */
  #isHearing = false;
  #sending: Exchange | undefined;
  #sink: WatchSink | undefined;
  /** Why a stream that is being opened is to be opened once more. */
  #reopenFor: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: HubWatchParts) {
    this.#parts = parts;
    this.#status = { state: 'waiting', sinceUnixMs: parts.clock.unixMs() };
  }

  start(): void {
    this.#startedMs = this.#parts.clock.monotonicMs();
    void this.#tryEach(this.#parts.origins.inOrder(), 0);
  }

  /** A call needs the hub: ends a backoff. */
  wake(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const isWaiting = this.#status.state === 'waiting' && this.#startedMs !== undefined;
    if (!isWaiting || nowMs < this.#restUntilMs) return;
    if (nowMs - (this.#startedMs ?? 0) < WAKE_SPACING_MS) return;
    this.#timer?.cancel();
    this.start();
  }

  /** Ends the stream, and opens another a moment later. */
  reopen(reason: string): void {
    if (this.#status.state === 'open') this.#sink?.stop(reason);
    else this.#reopenFor = reason;
  }

  /** Whether events arrive: a gateway may refuse streams or buffer them. */
  isHearing(): boolean {
    return this.#isHearing;
  }

  status(): WatchStatus {
    return this.#status;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#sending?.abort();
    this.#become('closed');
  }

  /** `restMs` is the Retry-After of a hub that refused us. */
  async #tryEach(candidates: readonly Origin[], restMs: number): Promise<void> {
    const [origin, ...others] = candidates;
    if (this.#closed) return;
    if (origin === undefined) {
      this.#waitThenStart(restMs);
      return;
    }
    this.#become('connecting', origin.host);
    const ended = await this.#follow(origin);
    if (this.#closed) return;
    const level = ended.wasOpen ? 'info' : 'warn';
    this.#parts.log[level]('hub watch disconnected', { hub: origin.host, reason: ended.reason });
    this.#become('waiting', undefined, ended.reason);
    if (ended.wasOpen) this.#waitThenStart(0);
    else await this.#tryEach(others, Math.max(restMs, ended.restMs));
  }

  #waitThenStart(restMs: number): void {
    this.#restUntilMs = this.#parts.clock.monotonicMs() + restMs;
    const delayMs = restMs + backoffMs(this.#failures, this.#parts.random, RETRY_BASE_MS, RETRY_CAP_MS);
    this.#failures += 1;
    this.#timer = this.#parts.clock.after(delayMs, () => this.start());
  }

  /** Follows one stream to its end. */
  async #follow(origin: Origin): Promise<Ended> {
    const { client, origins, path, clock, log, onEvent, random } = this.#parts;
    return new Promise((resolve) => {
      const sink = new WatchSink({
        clock,
        onOpen: () => {
          origins.connected(origin);
          this.#become('open', origin.host);
          log.info('hub watch connected', { hub: origin.host });
          if (this.#reopenFor !== undefined) {
            sink.stop(this.#reopenFor);
            return;
          }
          if (origin === origins.first()) return;
          const detourMs = DETOUR_MS * (1 + random());
          this.#timer = clock.after(detourMs, () => sink.stop('back to the first address'));
        },
        onEvent: (event, sinceMs) => {
          this.#failures = 0;
          this.#isHearing = true;
          onEvent(event, sinceMs);
        },
        onEnd: (ended, isTransport) => {
          if (isTransport) origins.failed(origin, ended.reason);
          this.#isHearing = false;
          this.#timer?.cancel();
          this.#sending?.abort();
          this.#sending = undefined;
          resolve(ended);
        },
      });
      this.#sink = sink;
      this.#reopenFor = undefined;
      void client.open(origin, path(), sink).then((opened) => {
        if ('why' in opened) sink.stop(opened.why);
        else if (this.#closed || sink.isOver) opened.abort();
        else this.#sending = opened;
      });
    });
  }

  #become(state: WatchStatus['state'], host?: string, lastFailure = this.#status.lastFailure): void {
    this.#status = {
      state,
      sinceUnixMs: this.#parts.clock.unixMs(),
      ...(host !== undefined && { host }),
      ...(lastFailure !== undefined && { lastFailure }),
    };
  }
}

interface Ended {
  readonly reason: string;
  readonly wasOpen: boolean;
  readonly restMs: number;
}

interface SinkOptions {
  readonly clock: Clock;
  readonly onOpen: () => void;
  readonly onEvent: (event: ServerEvent, sinceMs: number) => void;
  /** Called once. `isTransport` if the hub could not be reached, or fell silent. */
  readonly onEnd: (ended: Ended, isTransport: boolean) => void;
}

/** One stream, ended by either side or by a timeout. */
class WatchSink implements ResponseSink {
  readonly #options: SinkOptions;
  readonly #reader = new EventReader();
  /** When the last chunk was read, and when the last chunk before its backlog was. */
  #readMs: number;
  #sinceMs: number;
  #silence: Timer;
  #isOpen = false;
  isOver = false;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#readMs = options.clock.monotonicMs();
    this.#sinceMs = this.#readMs;
    this.#silence = options.clock.after(OPEN_MS_MAX, () => this.#finish('no response', 0, true));
  }

  head(status: number, _: string, headers: string[]): void {
    const type = headerValues(headers, 'content-type')[0] ?? '';
    if (status !== 200 || !type.toLowerCase().startsWith('text/event-stream')) {
      const restMs = restMsOf(headers);
      this.#finish(status === 200 ? 'not a hub' : `HTTP ${status}`, restMs, false);
      return;
    }
    this.#isOpen = true;
    this.#readMs = this.#options.clock.monotonicMs();
    this.#silence.cancel();
    this.#expectMore(SILENCE_MS_MAX);
    this.#options.onOpen();
  }

  data(chunk: Buffer): boolean {
    if (this.isOver) return true;
    // This was sent after the last read, unless both are part of a backlog that is read in many chunks.
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#readMs > BACKLOG_MS) this.#sinceMs = this.#readMs;
    this.#readMs = nowMs;
    const events = this.#reader.push(chunk);
    if (events === undefined) this.#finish('an event is too long', 0, false);
    else for (const event of events) this.#options.onEvent(event, this.#sinceMs);
    return true;
  }

  end(): void {
    this.#finish('closed by the hub', 0, false);
  }

  failed(failure: TransportFailure): void {
    this.#finish(failure.reason, 0, failure.kind === 'unreachable');
  }

  /** Ends the stream from our side. */
  stop(reason: string): void {
    this.#finish(reason, 0, false);
  }

  /** One timer for many chunks: it is set again for what is left since the last one. */
  #expectMore(leftMs: number): void {
    const { clock } = this.#options;
    this.#silence = clock.after(leftMs, () => {
      const quietMs = clock.monotonicMs() - this.#readMs;
      if (quietMs < SILENCE_MS_MAX) this.#expectMore(SILENCE_MS_MAX - quietMs);
      else this.#finish('silence', 0, true);
    });
  }

  #finish(reason: string, restMs: number, isTransport: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#silence.cancel();
    this.#options.onEnd({ reason, wasOpen: this.#isOpen, restMs }, isTransport);
  }
}
