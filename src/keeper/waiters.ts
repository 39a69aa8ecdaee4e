import type { Clock, Timer } from '../base/clock.ts';
import type { TokenAnswer } from '../token/source.ts';
import { answerNow, finalAnswer } from './answer.ts';
import type { Want } from './answer.ts';
import type { State } from '../token/state.ts';

/** Common SDKs give up at 3 s; by then they shall have an answer from us. */
export const WAIT_MS_MAX = 2_500;

interface Waiter extends Want {
  readonly resolve: (answer: TokenAnswer) => void;
}

/** The callers who wait for a round to end. Thousands may share one: each costs an object, all one timer. */
export class Waiters {
  readonly #clock: Clock;
  readonly #state: () => State;
  /** In order of arrival, which is the order of their deadlines, since all wait equally long. */
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

  answer(refusedFingerprint: string | undefined): Promise<TokenAnswer> {
    const nowMs = this.#clock.lifeMs();
    const want: Want = { refusedFingerprint, deadlineMs: nowMs + WAIT_MS_MAX };
    const known = answerNow(this.#state(), want, nowMs);
    if (known !== undefined) return Promise.resolve(known);
    if (this.#closed) return Promise.resolve(finalAnswer(this.#state(), want, nowMs));
    return new Promise((resolve) => {
      this.#waiting.add({ ...want, resolve });
      if (this.#timer === undefined) this.#arm();
    });
  }

  /** To be called after each change of the state. */
  settle(): void {
    const nowMs = this.#clock.lifeMs();
    const state = this.#state();
    for (const waiter of this.#waiting) {
      const isOver = this.#closed || nowMs >= waiter.deadlineMs;
      const answer = isOver ? finalAnswer(state, waiter, nowMs) : answerNow(state, waiter, nowMs);
      if (answer === undefined) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(answer);
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
    this.#timer = this.#clock.after(first.deadlineMs - this.#clock.lifeMs(), () => {
      this.settle();
      this.#arm();
    });
  }
}
