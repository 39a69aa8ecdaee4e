import type { Clock } from '../base/clock.ts';

/** Pauses, some of which can be cut short. */
export class Delay {
  readonly #clock: Clock;
  #isWoken = false;
  #end: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the time is over or `wake` is called; a wake since the last sleep ends it at once. */
  async sleep(delayMs: number): Promise<void> {
    if (!this.#isWoken) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(delayMs, resolve);
        this.#end = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#isWoken = false;
  }

  /** This one cannot be cut short. */
  rest(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(delayMs, resolve));
  }

  wake(): void {
    this.#isWoken = true;
    this.#end();
  }
}
