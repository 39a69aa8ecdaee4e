import type { Clock } from '../base/clock.ts';
import { type Rate, RateLimit } from '../base/rate-limit.ts';
import { networkOf } from '../server/peer.ts';

/** Of credentials that are not good, whichever door they came to. */
export const FAILURE_RATE: Rate = { burst: 10, refillMs: 6_000 };

/**
 * Counts credentials that were not good, by the address that they came from. Good ones are not counted
 * and never held up, since honest callers may share an address with somebody who guesses.
 */
export class Guesses {
  readonly #limit: RateLimit;

  constructor(clock: Clock) {
    this.#limit = new RateLimit(FAILURE_RATE, clock);
  }

  /** Notes one that was not good. Answers 0, or over the limit how long its sender should wait. */
  failed(address: string): number {
    return this.#limit.spend(networkOf(address));
  }
}
