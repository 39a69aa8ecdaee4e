import type { Clock } from './clock.ts';

/** Waits for the time, or until the signal is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', woken);
      resolve();
    });
    const woken = (): void => {
      timer.cancel();
      resolve();
    };
    signal?.addEventListener('abort', woken, { once: true });
  });
}

/**
 * The outcome of the work, or that of `late` if the work takes longer than `limitMs`; `late` may throw. Then the signal
 * is aborted, for work that can be stopped, and the later outcome is ignored.
 */
export function within<Outcome, Late>(
  clock: Clock,
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Outcome>,
  late: () => Late,
): Promise<Outcome | Late> {
  return new Promise((resolve, reject) => {
    const limit = new AbortController();
    const running = work(limit.signal);
    const timer = clock.after(limitMs, () => {
      limit.abort();
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    const settled = (): void => timer.cancel();
    running.then(resolve, reject);
    running.then(settled, settled);
  });
}

/** Waits until the work settles, at most `limitMs`. */
export function waitAtMost(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const nothing = (): void => {};
  return within(clock, limitMs, () => work.then(nothing, nothing), nothing);
}
