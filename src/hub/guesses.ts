import { isIPv6 } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { RateLimit } from '../base/rate-limit.ts';
import type { Rate } from '../base/rate-limit.ts';

/** Of credentials that are not good, whichever door they came to. */
const FAILURE_RATE: Rate = { burst: 10, refillMs: 6_000 };

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

  /** Whether the next failure would be over the limit. */
  isOver(address: string): boolean {
    return this.#limit.waitMs(networkOf(address)) > 0;
  }
}

/** Whoever has one IPv6 address has the 2⁶⁴ beside it too. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    // The last group may be an IPv4 address, which takes the place of two.
    const afterCount = after.length + (tail.includes('.') ? 1 : 0);
    while (groups.length + afterCount < 8) groups.push('0');
    groups.push(...after);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
