import test from 'ava';
import * as fc from 'fast-check';
import { MonotonicScale, systemClock } from '../../src/base/clock.ts';

const HOUR_MS = 3_600_000;

test('the scale starts at the wall-clock time and advances with the monotonic clock', (t) => {
  const scale = new MonotonicScale(1_000_000, 50);
  t.is(scale.read(1_000_000, 50), 1_000_000);
  t.is(scale.read(1_000_700, 750), 1_000_700);
});

test('setting the wall clock back does not affect it', (t) => {
  const scale = new MonotonicScale(HOUR_MS, 0);
  t.is(scale.read(0, 1_000), HOUR_MS + 1_000);
  t.is(scale.read(1_000, 2_000), HOUR_MS + 2_000);
});

test('it includes the time for which the machine was suspended', (t) => {
  const scale = new MonotonicScale(0, 0);
  scale.read(10_000, 10_000);
  // The monotonic clock stood still, the wall clock went on.
  t.is(scale.read(HOUR_MS + 10_100, 10_100), HOUR_MS + 10_100);
  t.is(scale.read(HOUR_MS + 11_100, 11_100), HOUR_MS + 11_100);
});

test('a suspension after the wall clock was set back is included too', (t) => {
  const scale = new MonotonicScale(2 * HOUR_MS, 0);
  scale.read(HOUR_MS, 0);
  t.is(scale.read(HOUR_MS + 5_000_000, 0), 2 * HOUR_MS + 5_000_000);
});

test('it eventually follows a wall clock that drifts ahead slowly', (t) => {
  const scale = new MonotonicScale(0, 0);
  let readMs = 0;
  for (let second = 1; second <= 3_600; second += 1) readMs = scale.read(second * 1_010, second * 1_000);
  t.true(readMs > 3_600_000 + 30_000, `${readMs}`);
});

test('whatever the wall clock does, the scale never runs slower than the monotonic clock', (t) => {
  const jump = fc.record({ wallMs: fc.integer({ min: -HOUR_MS, max: HOUR_MS }), passedMs: fc.nat(60_000) });
  fc.assert(
    fc.property(fc.array(jump, { maxLength: 100 }), (jumps) => {
      const scale = new MonotonicScale(0, 0);
      let [wallMs, monotonicMs, lifeMs] = [0, 0, 0];
      return jumps.every((one) => {
        wallMs += one.wallMs + one.passedMs;
        monotonicMs += one.passedMs;
        const before = lifeMs;
        lifeMs = scale.read(wallMs, monotonicMs);
        return lifeMs - before >= one.passedMs;
      });
    }),
  );
  t.pass();
});

test('the system clock fires a timer once, or never if it is cancelled', async (t) => {
  // Timers of the clock do not keep the process alive, so this one does.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  let cancelled = 0;
  const timer = systemClock.after(1, () => (cancelled += 1));
  timer.cancel();
  let runs = 0;
  await new Promise<void>((resolve) => {
    systemClock.after(-5, () => (runs += 1));
    systemClock.after(20, resolve);
  });
  t.is(runs, 1);
  t.is(cancelled, 0);
});
