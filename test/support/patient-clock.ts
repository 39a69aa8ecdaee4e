import { type Clock, systemClock, type Timer } from '../../src/base/clock.ts';

/** How often this process looks whether it gets to run. */
const STEP_MS = 20;

/**
 * The system's clock, less the time for which this process did not get to run. On a busy machine a limit of 2.5 s is
 * then not over before what it waits for could happen in the same process, and on a quiet one nothing takes longer.
 */
class PatientClock implements Clock {
  #lostMs = 0;
  #lookedMs = systemClock.monotonicMs();
  #lastMs = this.#lookedMs;

  constructor() {
    setInterval(() => this.#look(), STEP_MS).unref();
  }

  unixMs(): number {
    // As far behind as the other one, so that a time means the same on both.
    return Math.round(systemClock.unixMs() - systemClock.monotonicMs() + this.monotonicMs());
  }

  monotonicMs(): number {
    this.#lastMs = systemClock.monotonicMs() - this.#lostMs;
    return this.#lastMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const dueMs = this.monotonicMs() + delayMs;
    const fire = (): void => {
      const leftMs = dueMs - this.monotonicMs();
      if (leftMs <= 1) run();
      else timer = systemClock.after(leftMs, fire);
    };
    let timer = systemClock.after(delayMs, fire);
    return { cancel: () => timer.cancel() };
  }

  #look(): void {
    const nowMs = systemClock.monotonicMs();
    const lateMs = nowMs - this.#lookedMs - STEP_MS;
    this.#lookedMs = nowMs;
    // Whatever was read meanwhile stays true, and time goes on from there.
    if (lateMs > STEP_MS) this.#lostMs = Math.min(this.#lostMs + lateMs, nowMs - this.#lastMs);
  }
}

export const patientClock: Clock = new PatientClock();
