import type { Clock, Timer } from '../base/clock.ts';

/** Whatever may be late. */
export interface Owing {
  /** When it is late; Infinity while it owes nothing. */
  readonly dueMs: number;
  onLate(): void;
}

/**
 * The time limits of all requests by one timer. It is set for the first that may be late, and looks at all
 * when it fires: nearly every request is answered in time, and a timer for each would cost more than all else
 * that is done for its time limit.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #owing = new Set<Owing>();
  #timer: Timer | undefined;
  #timerMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches `owing`, whose `dueMs` was just set. It may become later at any time without a word. */
  watch(owing: Owing): void {
    this.#owing.add(owing);
    if (owing.dueMs < this.#timerMs) this.#setTimer(owing.dueMs);
  }

  leave(owing: Owing): void {
    this.#owing.delete(owing);
  }

  close(): void {
    this.#owing.clear();
    this.#timer?.cancel();
  }

  #setTimer(atMs: number): void {
    this.#timer?.cancel();
    this.#timerMs = atMs;
    this.#timer = this.#clock.after(atMs - this.#clock.lifeMs(), () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    this.#timerMs = Infinity;
    const nowMs = this.#clock.lifeMs();
    let nextMs = Infinity;
    for (const owing of this.#owing) {
      if (owing.dueMs <= nowMs) owing.onLate();
      else nextMs = Math.min(nextMs, owing.dueMs);
    }
    if (nextMs < this.#timerMs) this.#setTimer(nextMs);
  }
}
