import type { Clock } from '../base/clock.ts';
import { isOutOfDescriptors } from '../base/descriptors.ts';

/** A base URL of the platform (`https://api2.weixin.qq.com`) or of a forwarder (`https://gate.example/wechat`). */
export interface Origin {
  /** As configured, without a trailing slash: scheme, host, port, and perhaps a path. */
  readonly url: string;
  readonly host: string;
  readonly isSecure: boolean;
  /** Without brackets around an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** Prepended to the path of every request: empty, or for example `/wechat`. */
  readonly pathPrefix: string;
}

export interface OriginHealth {
  readonly url: string;
  readonly state: 'up' | 'skipped';
  readonly lastFailure?: string;
  readonly lastFailureUnixMs?: number;
}

interface Entry {
  readonly origin: Origin;
  failures: number;
  /** Consecutive calls of our own that it did not answer. */
  timeouts: number;
  skippedUntilMs: number;
  lastFailure?: string;
  lastFailureUnixMs?: number;
}

const SKIP_MS = 5_000;
const SKIP_MS_MAX = 60_000;
/** After this many of our own calls without a response, and none to any other call, it is skipped. */
const TIMEOUTS_MAX = 2;

/** While one call retries a failed origin, the others skip it for this much longer. */
const TRIAL_MS = 2_000;

/**
 * The platform's origins in order of preference. One that could not be connected is skipped for a
 * while (5 s, doubling to 60 s) and then tried by one call at a time.
 */
export class Origins {
  readonly #entries: readonly Entry[];
  readonly #all: readonly Origin[];
  readonly #clock: Clock;

  constructor(urls: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#entries = urls.map((url) => ({
      origin: originOf(url),
      failures: 0,
      timeouts: 0,
      skippedUntilMs: 0,
    }));
    this.#all = this.#entries.map((entry) => entry.origin);
  }

  /** The origins to try, best first; all of them if every one is skipped. */
  inOrder(): readonly Origin[] {
    if (this.#entries.every(isNotSkipped)) return this.#all;
    const nowMs = this.#clock.monotonicMs();
    const open = this.#entries.filter((entry) => nowMs >= entry.skippedUntilMs);
    const first = open[0];
    if (first === undefined) return this.#all;
    if (first.failures > 0) first.skippedUntilMs = nowMs + TRIAL_MS;
    const skipped = this.#entries.filter((entry) => !open.includes(entry));
    return [...open, ...skipped].map((entry) => entry.origin);
  }

  /** The preferred origin, for calls that are signed for it. */
  first(): Origin {
    const first = this.#entries[0];
    if (first === undefined) throw new Error('Cannot call the platform: no upstream is configured');
    return first.origin;
  }

  connected(origin: Origin): void {
    const entry = this.#of(origin);
    // An origin that accepts connections and never responds is as bad as one that does not accept.
    if (entry.timeouts < TIMEOUTS_MAX) this.#isUp(entry);
  }

  answered(origin: Origin): void {
    const entry = this.#of(origin);
    entry.timeouts = 0;
    this.#isUp(entry);
  }

  /** It did not respond to a call of our own in time. */
  timedOut(origin: Origin): void {
    const entry = this.#of(origin);
    entry.timeouts += 1;
    if (entry.timeouts >= TIMEOUTS_MAX) this.failed(origin, 'ETIMEDOUT');
  }

  failed(origin: Origin, reason: string): void {
    // That is a local failure, and no other origin can be connected either.
    if (isOutOfDescriptors(reason)) return;
    const entry = this.#of(origin);
    const nowMs = this.#clock.monotonicMs();
    // When a host goes down, many calls fail together: that counts as one failure.
    if (entry.failures === 0 || nowMs >= entry.skippedUntilMs - TRIAL_MS) entry.failures += 1;
    entry.skippedUntilMs = nowMs + Math.min(SKIP_MS_MAX, SKIP_MS * 2 ** (entry.failures - 1));
    entry.lastFailure = reason;
    entry.lastFailureUnixMs = this.#clock.unixMs();
  }

  health(): OriginHealth[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#entries.map(({ origin, skippedUntilMs, lastFailure, lastFailureUnixMs }) => ({
      url: origin.url,
      state: nowMs >= skippedUntilMs ? 'up' : 'skipped',
      ...(lastFailure === undefined ? {} : { lastFailure }),
      ...(lastFailureUnixMs === undefined ? {} : { lastFailureUnixMs }),
    }));
  }

  #isUp(entry: Entry): void {
    entry.failures = 0;
    entry.skippedUntilMs = 0;
  }

  #of(origin: Origin): Entry {
    for (const entry of this.#entries) if (entry.origin === origin) return entry;
    throw new Error(`Cannot judge ${origin.url}: it is not one of the upstreams`);
  }
}

function isNotSkipped({ skippedUntilMs }: Entry): boolean {
  return skippedUntilMs === 0;
}

export function originOf(given: string): Origin {
  const { protocol, host, hostname, port, pathname } = new URL(given);
  const isSecure = protocol === 'https:';
  return {
    url: given.replace(/\/$/, ''),
    host,
    isSecure,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    pathPrefix: pathname.replace(/\/$/, ''),
  };
}
