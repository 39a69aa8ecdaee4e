import type { Random } from './random.ts';

/**
 * Exponential backoff with full jitter: uniformly random in [0, min(capMs, baseMs · 2^attempt)); `attempt`
 * starts at 0. Spreads callers better than a fixed delay with a little noise.
 */
export function backoffMs(attempt: number, random: Random, baseMs = 1_000, capMs = 60_000): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
}
