import type { Clock } from './clock.ts';
import { LruTable } from './lru-table.ts';
import { fingerprintOf } from './secret.ts';

export interface Rate {
  /** How many may be used at once. */
  readonly burst: number;
  /** How long it takes until one more may be used. */
  readonly refillMs: number;
}

export const RATE_KEYS_MAX = 10_000;

/** One token bucket per key (kept as a digest). Evicting the least recently used only makes the limit more lenient. */
export class RateLimit {
  readonly #buckets = new LruTable<string, { left: number; atMs: number }>(RATE_KEYS_MAX);
  readonly #rate: Rate;
  readonly #clock: Clock;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Uses one and returns 0, or returns how many milliseconds to wait until one may be used. */
  consume(key: string): number {
    const left = this.#left(key);
    if (left < 1) return this.#waitMs(left);
    this.#buckets.set(fingerprintOf(key), { left: left - 1, atMs: this.#clock.monotonicMs() });
    return 0;
  }

  #left(key: string): number {
    const { burst, refillMs } = this.#rate;
    const bucket = this.#buckets.get(fingerprintOf(key));
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + (this.#clock.monotonicMs() - bucket.atMs) / refillMs);
  }

  #waitMs(left: number): number {
    return Math.ceil((1 - left) * this.#rate.refillMs);
  }
}
