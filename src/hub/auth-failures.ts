import type { Clock } from '../base/clock.ts';
import { type Rate, RateLimit } from '../base/rate-limit.ts';
import { networkOf } from '../server/peer.ts';

/** For invalid credentials, on any route. */
export const FAILURE_RATE: Rate = { burst: 10, refillMs: 6_000 };

/**
 * Counts invalid credentials by source address. Valid ones are neither counted nor delayed, because honest
 * callers may share an address with somebody who guesses credentials.
 */
export class AuthFailures {
  readonly #limit: RateLimit;

  constructor(clock: Clock) {
    this.#limit = new RateLimit(FAILURE_RATE, clock);
  }

  /** Records one invalid credential. Returns 0, or above the limit how long the sender should wait. */
  failed(address: string): number {
    return this.#limit.consume(networkOf(address));
  }
}
