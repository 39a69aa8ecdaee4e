import { fingerprintOf } from '../base/secret.ts';
import type { Caller } from './callers.ts';
import { Problem } from './problem.ts';

export interface ShareLimits {
  readonly max: number;
  readonly perCaller: number;
}

/** All calls of the API that are in work, and how many of them one caller may have. */
export const CALL_LIMITS: ShareLimits = { max: 10_000, perCaller: 5_000 };

/**
 * Calls that the hub makes for others wait for the platform, for up to a minute each. They have places of
 * their own, so that questions for tokens never wait behind them.
 */
export const RELAY_LIMITS: ShareLimits = { max: 2_000, perCaller: 500 };

/** Places for work that takes a while, shared out so that no caller can take them all. */
export class Shares {
  readonly #limits: ShareLimits;
  readonly #byCaller = new Map<string, number>();
  #size = 0;

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Throws a `Problem` if there is no place for this caller. */
  async run<Result>(caller: Caller, work: () => Promise<Result> | Result): Promise<Result> {
    const key = fingerprintOf(`${caller.kind} ${caller.name}`);
    const own = this.#byCaller.get(key) ?? 0;
    if (own >= this.#limits.perCaller) {
      throw new Problem('overloaded', 'Too many calls of this caller are in work.', { retryAfterS: 1 });
    }
    if (this.#size >= this.#limits.max) {
      throw new Problem('overloaded', 'Too many calls are in work.', { retryAfterS: 1 });
    }
    this.#size += 1;
    this.#byCaller.set(key, own + 1);
    try {
      return await work();
    } finally {
      this.#size -= 1;
      const left = (this.#byCaller.get(key) ?? 1) - 1;
      if (left === 0) this.#byCaller.delete(key);
      else this.#byCaller.set(key, left);
    }
  }
}
