import type { Clock, Timer } from '../../src/base/clock.ts';

/** A clock that stands still until it is turned. */
export class ManualClock implements Clock {
  #wallMs: number;
  #lifeMs: number;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();

  constructor(startMs = 1_700_000_000_000) {
    this.#wallMs = startMs;
    this.#lifeMs = startMs;
  }

  /** Timers that have not run yet. */
  get pending(): number {
    return this.#timers.size;
  }

  unixMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#lifeMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.#lifeMs + Math.max(delayMs, 0), run };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  /** Turns the clock on, and runs what came due in order of its time. */
  advance(byMs: number): void {
    const endMs = this.#lifeMs + byMs;
    for (;;) {
      const next = [...this.#timers]
        .filter((entry) => entry.atMs <= endMs)
        .toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#move(next.atMs - this.#lifeMs);
      next.run();
    }
    this.#move(endMs - this.#lifeMs);
  }

  #move(byMs: number): void {
    this.#lifeMs += byMs;
    this.#wallMs += byMs;
  }
}
