/**
 * Time as an argument. Nothing outside this file reads a clock or starts a timer of its own.
 */
export interface Clock {
  /** Unix time in milliseconds, by this machine's clock; it may jump in either direction. */
  unixMs(): number;
  /**
   * Monotonic milliseconds that never run slower than real time: they do not go back when the wall
   * clock is set back, and they include the time a machine was suspended. Token lifetimes use this clock.
   */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`; the timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Converts monotonic time to Unix time, using the current wall clock. */
export function toUnixMs(monotonicMs: number, clock: Pick<Clock, 'unixMs' | 'monotonicMs'>): number {
  return monotonicMs + clock.unixMs() - clock.monotonicMs();
}

/** Longest delay that a Node timer supports. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** If the wall clock gains more than this, it was set forward or the machine was suspended. */
const JUMP_MS = 2_000;

/**
 * Follows the monotonic clock and adds what the wall clock gains on it, because the machine was suspended or
 * its clock was set forward. A refresh that is too early costs one call, one that is too late costs failures.
 * A wall clock that is set back is ignored.
 */
export class MonotonicScale {
  #wallMs: number;
  #monotonicMs: number;
  #offsetMs: number;

  constructor(wallMs: number, monotonicMs: number) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    this.#offsetMs = wallMs - monotonicMs;
  }

  /** The time shortly after the last reading. */
  at(monotonicMs: number): number {
    return monotonicMs + this.#offsetMs;
  }

  read(wallMs: number, monotonicMs: number): number {
    const gainedMs = wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs);
    if (gainedMs > JUMP_MS) this.#offsetMs += gainedMs;
    // Small differences must accumulate, or a slow drift would never be noticed.
    if (Math.abs(gainedMs) > JUMP_MS) {
      this.#wallMs = wallMs;
      this.#monotonicMs = monotonicMs;
    }
    return monotonicMs + this.#offsetMs;
  }
}

/** How often the wall clock is read: it costs as much as the monotonic clock and rarely jumps. */
const LOOK_MS = 20;

export const systemClock: Clock = makeSystemClock();

function makeSystemClock(): Clock {
  let readMs = performance.now();
  const scale = new MonotonicScale(Date.now(), readMs);
  return {
    unixMs: () => Date.now(),
    monotonicMs() {
      const nowMs = performance.now();
      if (nowMs - readMs < LOOK_MS) return scale.at(nowMs);
      readMs = nowMs;
      return scale.read(Date.now(), nowMs);
    },
    after(delayMs, run) {
      const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
