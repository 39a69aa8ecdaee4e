import type { Random } from './random.ts';

/**
 * Full jitter: a delay drawn evenly from 0 to min(capMs, baseMs · 2^attempt), `attempt` counted from 0.
 * Spreads callers better than a fixed delay with a little noise on it.
 */
export function backoffMs(attempt: number, random: Random, baseMs = 1_000, capMs = 60_000): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
}
