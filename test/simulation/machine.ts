import { type Clock, MonotonicScale, type Timer } from '../../src/base/clock.ts';
import type { Host, Schedule } from './schedule.ts';

/** 2026-01-05 00:00 UTC, when every world begins. */
export const EPOCH_UNIX_MS = 1_767_571_200_000;

/** A machine that was started long before the world began. */
const UPTIME_MS = 1_000_000;

/** What a timer of Node may be early by, since it counts whole milliseconds. */
const TIMER_SLACK_MS = 1;

/**
 * One process on one machine: what it may know of time, and whether it runs. A process that is started
 * again is another machine with the same name; what the old one was about never ends.
 */
export class Machine implements Host {
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  pausedUntilMs = 0;
  readonly startedMs: number;
  /** When its wall clock was set, or it slept, so that its sense of time was wrong for a moment. */
  lastJumpMs = -Infinity;
  readonly #schedule: Schedule;
  /** How fast its oscillator is: 1.0001 gains 8.6 s a day. */
  readonly #rate: number;
  /** What the monotonic clock and the wall clock are ahead of true time, less the drift. */
  #monotonicOffsetMs = UPTIME_MS;
  #wallOffsetMs: number;

  constructor(name: string, schedule: Schedule, { rate = 1, wallOffsetMs = 0 } = {}) {
    this.name = name;
    this.startedMs = schedule.nowMs;
    this.#schedule = schedule;
    this.#rate = rate;
    this.#wallOffsetMs = EPOCH_UNIX_MS + wallOffsetMs;
    const scale = new MonotonicScale(this.#wallMs(), this.#monotonicMs());
    this.clock = {
      unixMs: () => Math.floor(this.#wallMs()),
      monotonicMs: () => scale.read(Math.floor(this.#wallMs()), this.#monotonicMs()),
      after: (delayMs, run) => this.#after(delayMs, run),
    };
  }

  kill(): void {
    this.alive = false;
  }

  /** Stands still. A machine that sleeps has a monotonic clock that sleeps too. */
  pause(forMs: number, sleeps: boolean): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#schedule.nowMs + forMs);
    if (!sleeps) return;
    this.clock.monotonicMs();
    this.#monotonicOffsetMs -= forMs * this.#rate;
    this.lastJumpMs = this.pausedUntilMs;
  }

  /** Somebody sets the wall clock. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
    this.lastJumpMs = this.#schedule.nowMs;
    // A busy process looks at its clock all the time.
    this.clock.monotonicMs();
  }

  #wallMs(): number {
    return this.#wallOffsetMs + this.#schedule.nowMs * this.#rate;
  }

  #monotonicMs(): number {
    return this.#monotonicOffsetMs + this.#schedule.nowMs * this.#rate;
  }

  #after(delayMs: number, run: () => void): Timer {
    const wholeMs = Math.max(TIMER_SLACK_MS, Math.trunc(delayMs));
    const dueMs = this.#monotonicMs() + wholeMs;
    const fire = (): void => {
      // A monotonic clock that slept has not counted that time.
      const leftMs = dueMs - this.#monotonicMs();
      if (leftMs <= TIMER_SLACK_MS) run();
      else planned = this.#schedule.in(leftMs / this.#rate, this, fire);
    };
    let planned = this.#schedule.in(wholeMs / this.#rate, this, fire);
    return { cancel: () => planned.cancel() };
  }
}
