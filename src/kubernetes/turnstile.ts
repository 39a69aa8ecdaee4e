import type { Clock } from '../base/clock.ts';

export interface TurnstileLimits {
  readonly inFlightMax: number;
  readonly waitingMax: number;
  readonly waitMsMax: number;
}

/** Lets so many through at a time; the others wait their turn, for so long. */
export class Turnstile {
  readonly #limits: TurnstileLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<(admitted: boolean) => void>();
  #inFlight = 0;

  constructor(limits: TurnstileLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Undefined where `run` did not get its turn. */
  async pass<T>(run: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#admitted())) return undefined;
    try {
      return await run();
    } finally {
      const [next] = this.#waiting;
      // The place goes over to who waits; it is never free in between.
      if (next === undefined) this.#inFlight -= 1;
      else next(true);
    }
  }

  #admitted(): Promise<boolean> {
    const { inFlightMax, waitingMax, waitMsMax } = this.#limits;
    if (this.#inFlight < inFlightMax) {
      this.#inFlight += 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= waitingMax) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (admitted: boolean): void => {
        this.#waiting.delete(settle);
        timer.cancel();
        resolve(admitted);
      };
      const timer = this.#clock.after(waitMsMax, () => settle(false));
      this.#waiting.add(settle);
    });
  }
}
