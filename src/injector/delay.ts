import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/wait.ts';

/** Pauses, some of which can be cut short. */
export class Delay {
  readonly #clock: Clock;
  #woken = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the time is over or `wake` is called; a wake since the last sleep ends it at once. */
  async sleep(delayMs: number): Promise<void> {
    await sleep(this.#clock, delayMs, this.#woken.signal);
    this.#woken = new AbortController();
  }

  /** This one cannot be cut short. */
  rest(delayMs: number): Promise<void> {
    return sleep(this.#clock, delayMs);
  }

  wake(): void {
    this.#woken.abort();
  }
}
