import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { State } from '../token/state.ts';

/** What a caller waits for, as functions of the state and the time. */
export interface Question<Answer> {
  /** Returns undefined while waiting until the deadline may help. */
  now(state: State, nowMs: number, deadlineMs: number): Answer | undefined;
  /** The answer after the wait. */
  final(state: State, nowMs: number): Answer;
}

interface Waiter {
  readonly deadlineMs: number;
  /** Returns whether the caller has been answered. */
  settle(state: State, nowMs: number, isOver: boolean): boolean;
}

/** Callers that wait for a round to end. Thousands may share one: each costs an object, and all share one timer. */
export class Waiters {
  readonly #clock: Clock;
  readonly #state: () => State;
  /** In order of arrival, which is also the order of their deadlines, because all wait equally long. */
  readonly #waiting: Set<Waiter> = new Set();
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, state: () => State) {
    this.#clock = clock;
    this.#state = state;
  }

  get size(): number {
    return this.#waiting.size;
  }

  answer<Answer>(question: Question<Answer>): Promise<Answer> {
    const nowMs = this.#clock.monotonicMs();
    const deadlineMs = nowMs + CALLER_WAIT_MS_MAX;
    const known = question.now(this.#state(), nowMs, deadlineMs);
    if (known !== undefined) return Promise.resolve(known);
    if (this.#closed) return Promise.resolve(question.final(this.#state(), nowMs));
    return new Promise((resolve) => {
      this.#waiting.add({
        deadlineMs,
        settle(state, atMs, isOver) {
          const answer = isOver ? question.final(state, atMs) : question.now(state, atMs, deadlineMs);
          if (answer !== undefined) resolve(answer);
          return answer !== undefined;
        },
      });
      if (this.#timer === undefined) this.#arm();
    });
  }

  /** Call it after each change of the state. */
  settle(): void {
    const nowMs = this.#clock.monotonicMs();
    const state = this.#state();
    for (const waiter of this.#waiting) {
      const isOver = this.#closed || nowMs >= waiter.deadlineMs;
      if (waiter.settle(state, nowMs, isOver)) this.#waiting.delete(waiter);
    }
  }

  close(): void {
    this.#closed = true;
    this.settle();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    const first = this.#waiting.values().next().value;
    if (first === undefined) {
      this.#timer = undefined;
      return;
    }
    this.#timer = this.#clock.after(first.deadlineMs - this.#clock.monotonicMs(), () => {
      this.settle();
      this.#arm();
    });
  }
}
