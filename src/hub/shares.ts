import { keyOf, type Caller } from './authenticator.ts';
import type { ShareLimits } from './limits.ts';
import { Problem } from './problem.ts';

/** A semaphore for slow work, with a limit per caller so that nobody can take all of it. */
export class Shares {
  readonly #limits: ShareLimits;
  readonly #byCaller = new Map<string, number>();
  #size = 0;

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Throws a `Problem` if no place is free for this caller. */
  async run<Result>(caller: Caller, work: () => Promise<Result> | Result): Promise<Result> {
    const key = keyOf(caller);
    const own = this.#byCaller.get(key) ?? 0;
    if (own >= this.#limits.perCaller) {
      throw new Problem('overloaded', 'This caller has too many calls in progress.', { retryAfterS: 1 });
    }
    if (this.#size >= this.#limits.max) {
      throw new Problem('overloaded', 'Too many calls are in progress.', { retryAfterS: 1 });
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
