/**
 * Time as an argument. Nothing outside this file reads a clock or starts a timer of its own.
 */
export interface Clock {
  /** Unix time in milliseconds, as this machine believes it; it may jump either way. */
  wallMs(): number;
  /**
   * Milliseconds on a scale that never runs slower than real time: it does not go back when the wall
   * clock is set back, and it counts the time that a suspended machine slept through. Tokens live by it.
   */
  lifeMs(): number;
  /** Calls `run` once after `delayMs`; the timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** A moment of the life scale as Unix time, by what the wall clock says now. */
export function toUnixMs(lifeMs: number, clock: Pick<Clock, 'wallMs' | 'lifeMs'>): number {
  return lifeMs + clock.wallMs() - clock.lifeMs();
}

/** Longest delay that a Node timer can carry. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** A wall clock that ran ahead of the monotonic one by more than this was set forward, or we slept. */
const JUMP_MS = 2_000;

/**
 * Follows the monotonic clock, and adds whatever the wall clock gained on it: a machine that slept, or
 * whose clock was set forward. Too early a refresh costs one call, too late a refresh costs failures.
 * A wall clock that was set back is ignored.
 */
export class LifeScale {
  #wallMs: number;
  #monotonicMs: number;
  #offsetMs: number;

  constructor(wallMs: number, monotonicMs: number) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    this.#offsetMs = wallMs - monotonicMs;
  }

  /** The scale at a moment soon after the last reading. */
  at(monotonicMs: number): number {
    return monotonicMs + this.#offsetMs;
  }

  read(wallMs: number, monotonicMs: number): number {
    const gainedMs = wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs);
    if (gainedMs > JUMP_MS) this.#offsetMs += gainedMs;
    // Small differences must be left to add up, or a slow drift would never be noticed.
    if (Math.abs(gainedMs) > JUMP_MS) {
      this.#wallMs = wallMs;
      this.#monotonicMs = monotonicMs;
    }
    return monotonicMs + this.#offsetMs;
  }
}

/** The wall clock is looked at this often: it costs as much as the other, and jumps seldom. */
const LOOK_MS = 20;

export const systemClock: Clock = makeSystemClock();

function makeSystemClock(): Clock {
  let readMs = performance.now();
  const scale = new LifeScale(Date.now(), readMs);
  return {
    wallMs: () => Date.now(),
    lifeMs() {
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
