import type { Clock } from './clock.ts';

/** Waits for the work to end, however it ends, and no longer than this. The work goes on. */
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
