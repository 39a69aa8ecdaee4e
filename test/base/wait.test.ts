import test from 'ava';
import { sleep, waitAtMost, within } from '../../src/base/wait.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('a sleep ends when its time is over, and not before', async (t) => {
  const clock = new ManualClock();
  const sleeping = sleep(clock, 1_000);
  clock.advance(999);
  t.false(await isSettled(sleeping));
  clock.advance(1);
  t.true(await isSettled(sleeping));
});

test('a sleep ends when its signal is aborted, or was before', async (t) => {
  const clock = new ManualClock();
  const awake = new AbortController();
  const sleeping = sleep(clock, 1_000, awake.signal);
  t.false(await isSettled(sleeping));
  awake.abort();
  t.true(await isSettled(sleeping));
  t.true(await isSettled(sleep(clock, 1_000, awake.signal)));
  t.is(clock.pending, 0);
});

test('work within its limit returns its outcome, and leaves no timer', async (t) => {
  const clock = new ManualClock();
  t.is(
    await within(
      clock,
      1_000,
      () => Promise.resolve('done'),
      () => 'late',
    ),
    'done',
  );
  const broken = new Error('broken');
  t.is(
    await t.throwsAsync(
      within(
        clock,
        1_000,
        () => Promise.reject(broken),
        () => 'late',
      ),
    ),
    broken,
  );
  t.is(clock.pending, 0);
});

test('work beyond its limit is told to stop, and its outcome is ignored', async (t) => {
  const clock = new ManualClock();
  let end: (outcome: string) => void = () => {};
  let stop: AbortSignal | undefined;
  const working = within(
    clock,
    1_000,
    (signal) => {
      stop = signal;
      return new Promise<string>((resolve) => (end = resolve));
    },
    () => 'late',
  );
  clock.advance(999);
  t.false(stop?.aborted);
  clock.advance(1);
  t.true(stop?.aborted);
  end('done');
  t.is(await working, 'late');
});

test('a limit can be an error', async (t) => {
  const clock = new ManualClock();
  const working = within(
    clock,
    1_000,
    () => new Promise(() => {}),
    () => {
      throw new RangeError('late');
    },
  );
  clock.advance(1_000);
  await t.throwsAsync(working, { instanceOf: RangeError });
});

test('waiting ends with the work, even if it fails, or at the limit', async (t) => {
  const clock = new ManualClock();
  await waitAtMost(clock, 1_000, Promise.reject(new Error('broken')));
  t.is(clock.pending, 0);
  const waiting = waitAtMost(clock, 1_000, new Promise(() => {}));
  t.false(await isSettled(waiting));
  clock.advance(1_000);
  t.true(await isSettled(waiting));
});
