import type { Clock } from './clock.ts';

/** Waits until the work settles, at most `limitMs`. Does not cancel the work. */
export function waitAtMost(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(limitMs, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
  });
}
