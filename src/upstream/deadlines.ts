import type { Clock, Timer } from '../base/clock.ts';

/** What may be late: a connection, over which one request follows another. */
export interface Owing {
  /** When it is late; Infinity while it owes nothing. */
  readonly dueMs: number;
  onLate(): void;
}

/**
 * The time limits of all connections by one timer. It is set for the first that may be late, and looks at all
 * when it fires: nearly every request is answered in time, and a timer for each would cost more than all else
 * that is done for its time limit.
 *
 * Connections are in the set, and not requests: a set into and out of which something goes for each request is
 * laid out again every few dozen requests. V8 links the layouts, so that once an old one has left the young
 * generation, each later one and all the requests in it outlive every young collection.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #owing = new Set<Owing>();
  #timer: Timer | undefined;
  #timerMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(owing: Owing): void {
    this.#owing.add(owing);
  }

  /** Has to be called if a `dueMs` may now be the earliest of all, but not if it moves later. */
  watch(dueMs: number): void {
    if (dueMs < this.#timerMs) this.#setTimer(dueMs);
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
    this.#timer = this.#clock.after(atMs - this.#clock.monotonicMs(), () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    this.#timerMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    for (const owing of this.#owing) {
      if (owing.dueMs <= nowMs) owing.onLate();
      else nextMs = Math.min(nextMs, owing.dueMs);
    }
    if (nextMs < this.#timerMs) this.#setTimer(nextMs);
  }
}
