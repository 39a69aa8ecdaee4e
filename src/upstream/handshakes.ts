import type { Clock } from '../base/clock.ts';

/** Handshakes are expensive, and a slow server gets no faster with more of them: the limit per origin. */
export const HANDSHAKES_MAX = 32;

type Done<Result> = (error: NodeJS.ErrnoException | undefined, result?: Result) => void;

/** Limits concurrent connection attempts; the others wait within their time limits. */
export class Handshakes<Result> {
  readonly #clock: Clock;
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  run(limitMs: number, done: Done<Result>, make: (leftMs: number, done: Done<Result>) => void): void {
    const deadlineMs = this.#clock.monotonicMs() + limitMs;
    const start = (): void => {
      this.#running += 1;
      make(Math.max(0, deadlineMs - this.#clock.monotonicMs()), (error, result) => {
        this.#running -= 1;
        const [next] = this.#waiting;
        next?.();
        done(error, result);
      });
    };
    if (this.#running < HANDSHAKES_MAX) {
      start();
      return;
    }
    const timer = this.#clock.after(limitMs, () => {
      this.#waiting.delete(begin);
      done(Object.assign(new Error('Cannot connect in time'), { code: 'ETIMEDOUT' }));
    });
    const begin = (): void => {
      this.#waiting.delete(begin);
      timer.cancel();
      start();
    };
    this.#waiting.add(begin);
  }
}
