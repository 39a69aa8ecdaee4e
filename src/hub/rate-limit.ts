import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';

export interface Rate {
  /** What may be spent at once. */
  readonly burst: number;
  /** How long it takes until one more may be spent. */
  readonly refillMs: number;
}

const KEYS_MAX = 10_000;

/** A token bucket for each key; the least recently used is forgotten, which only ever makes us lenient. */
export class RateLimit {
  readonly #buckets = new LRUCache<string, { left: number; atMs: number }>({ max: KEYS_MAX });
  readonly #rate: Rate;
  readonly #clock: Clock;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Spends one, and answers 0; or answers how long to wait until one may be spent, in milliseconds. */
  spend(key: string): number {
    const { burst, refillMs } = this.#rate;
    const nowMs = this.#clock.lifeMs();
    const bucket = this.#buckets.get(key) ?? { left: burst, atMs: nowMs };
    const left = Math.min(burst, bucket.left + (nowMs - bucket.atMs) / refillMs);
    if (left < 1) return Math.ceil((1 - left) * refillMs);
    this.#buckets.set(key, { left: left - 1, atMs: nowMs });
    return 0;
  }
}
