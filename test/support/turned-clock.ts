import type { Clock, Timer } from '../../src/base/clock.ts';
import { patientClock } from './patient-clock.ts';

/**
 * The clock of this machine, less the time for which this process stood still, which can be turned on: sockets take
 * their time, and time limits need none.
 */
export class TurnedClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  unixMs(): number {
    return patientClock.unixMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return patientClock.monotonicMs() + this.#aheadMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = {
      atMs: this.monotonicMs() + delayMs,
      run: () => {
        if (!this.#timers.delete(entry)) return;
        timer.cancel();
        run();
      },
    };
    this.#timers.add(entry);
    const timer = patientClock.after(delayMs, entry.run);
    return {
      cancel: () => {
        this.#timers.delete(entry);
        timer.cancel();
      },
    };
  }

  /** Runs what came due in order of its time. */
  turn(byMs: number): void {
    this.#aheadMs += byMs;
    const nowMs = this.monotonicMs();
    const due = [...this.#timers].filter(({ atMs }) => atMs <= nowMs).toSorted((a, b) => a.atMs - b.atMs);
    for (const { run } of due) run();
  }
}
