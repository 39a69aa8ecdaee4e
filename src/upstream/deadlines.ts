import type { Clock, Timer } from '../base/clock.ts';

/** What can be late: a connection, which carries one request after another. */
export interface HasDeadline {
  /** When it is late; Infinity while it owes nothing. */
  readonly dueMs: number;
  onLate(): void;
}

/**
 * The time limits of all connections with one timer. It is set for the earliest one and checks all when it fires:
 * nearly every request is answered in time, and a timer each would cost more than everything else about its time limit.
 *
 * The set holds connections, not requests: a set with an insertion and a deletion per request is rehashed every few
 * dozen requests. V8 links the old tables, so that once one has left the young generation, each later one and all its
 * requests survive every young collection.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #connections = new Set<HasDeadline>();
  #timer: Timer | undefined;
  #timerMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(connection: HasDeadline): void {
    this.#connections.add(connection);
  }

  /** Must be called if a `dueMs` may now be the earliest of all, but not if it moves later. */
  watch(dueMs: number): void {
    if (dueMs < this.#timerMs) this.#setTimer(dueMs);
  }

  leave(connection: HasDeadline): void {
    this.#connections.delete(connection);
  }

  close(): void {
    this.#connections.clear();
    this.#timer?.cancel();
  }

  #setTimer(atMs: number): void {
    this.#timer?.cancel();
    this.#timerMs = atMs;
    this.#timer = this.#clock.after(atMs - this.#clock.monotonicMs(), () => this.#check());
  }

  #check(): void {
    this.#timer = undefined;
    this.#timerMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    for (const connection of this.#connections) {
      if (connection.dueMs <= nowMs) connection.onLate();
      else nextMs = Math.min(nextMs, connection.dueMs);
    }
    if (nextMs < this.#timerMs) this.#setTimer(nextMs);
  }
}
