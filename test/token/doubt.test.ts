import test from 'ava';
import * as fc from 'fast-check';
import {
  type Doubt,
  HOLD_MS,
  HOLD_MS_MAX,
  holdOf,
  isCovered,
  isDoubted,
  KEYS_MAX,
  LOOK_SPACING_MS,
  lookAccepted,
  lookBegun,
  lookFailed,
  NO_DOUBT,
  settlingLook,
  SHARED_HOLD_MS_MAX,
  SHARED_KEY,
  withReport,
} from '../../src/token/doubt.ts';

function report(key: string, succeeded = false): { key: string; errcode: number; succeeded: boolean } {
  return { key, errcode: 40001, succeeded };
}

function looked(doubt: Doubt, keys: readonly string[], nowMs: number): Doubt {
  const reported = keys.reduce((each, key) => withReport(each, report(key), nowMs), doubt);
  return lookAccepted(lookBegun(reported, nowMs), nowMs);
}

test('one look settles all reports that were received before it began', (t) => {
  const reported = withReport(withReport(NO_DOUBT, report('/a'), 0), report('/b'), 0);
  t.is(settlingLook(reported, '/a'), 1);
  const looking = lookBegun(reported, 0);
  t.is(settlingLook(looking, '/b'), 1);
  t.is(settlingLook(looking, '/c'), 2);
  const later = withReport(looking, report('/c'), 10);
  const accepted = lookAccepted(later, 20);
  t.is(accepted.settled, 1);
  t.truthy(holdOf(accepted, '/a', 20));
  t.truthy(holdOf(accepted, '/b', 20));
  t.is(holdOf(accepted, '/c', 20), undefined);
  t.true(isDoubted(accepted));
});

test('each look in a row that finds the token accepted doubles the hold, to ten minutes', (t) => {
  let doubt = NO_DOUBT;
  let nowMs = 0;
  for (let looks = 1; looks <= 14; looks += 1) {
    doubt = looked(doubt, ['/a'], nowMs);
    const hold = holdOf(doubt, '/a', nowMs);
    t.is((hold?.untilMs ?? 0) - nowMs, Math.min(HOLD_MS * 2 ** (looks - 1), HOLD_MS_MAX));
    nowMs = hold?.untilMs ?? 0;
  }
});

test('the shared key is never held for more than thirty seconds', (t) => {
  let doubt = NO_DOUBT;
  for (let looks = 0, nowMs = 0; looks < 20; looks += 1, nowMs += 600_000) {
    doubt = looked(doubt, [SHARED_KEY], nowMs);
    t.true((holdOf(doubt, SHARED_KEY, nowMs)?.untilMs ?? 0) - nowMs <= SHARED_HOLD_MS_MAX);
  }
});

test('a path that has succeeded since is held for two seconds only, and from the start again', (t) => {
  let doubt = NO_DOUBT;
  for (const nowMs of [0, 10_000, 20_000]) doubt = looked(doubt, ['/a'], nowMs);
  t.is(holdOf(doubt, '/a', 20_000)?.untilMs, 28_000);
  const within = withReport(doubt, report('/a', true), 21_000);
  t.is(holdOf(within, '/a', 21_000)?.untilMs, 22_000);
  t.false(isDoubted(within));
  const after = withReport(within, report('/a', true), 22_000);
  t.true(after.pending.has('/a'));
  t.is(holdOf(lookAccepted(lookBegun(after, 22_000), 22_000), '/a', 22_000)?.untilMs, 24_000);
});

test('a held path does not prevent a look into another one', (t) => {
  const doubt = looked(NO_DOUBT, ['/bad'], 0);
  t.is(withReport(doubt, report('/bad'), 100), doubt);
  t.true(withReport(doubt, report('/good'), 100).pending.has('/good'));
});

test('the reports of a failed look are settled by the next one', (t) => {
  const looking = lookBegun(withReport(NO_DOUBT, report('/a'), 0), 0);
  const failed = lookFailed(withReport(looking, report('/b'), 5));
  t.deepEqual([...failed.pending], ['/a', '/b']);
  t.is(failed.looking, undefined);
  t.is(lookAccepted(lookBegun(failed, LOOK_SPACING_MS), LOOK_SPACING_MS).settled, 2);
});

test('beyond the maximum number of keys, further ones share one', (t) => {
  const keys = Array.from({ length: KEYS_MAX + 50 }, (_, index) => `/path/${index}`);
  const doubt = keys.reduce((each, key) => withReport(each, report(key), 0), NO_DOUBT);
  t.is(doubt.pending.size, KEYS_MAX + 1);
  t.true(doubt.pending.has(SHARED_KEY));
  t.true(isCovered(doubt, report('/path/2040'), 0));
});

test('a report that is neither held nor being looked into is always pending', (t) => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('report' as const),
      key: fc.constantFrom('/a', '/b', '*'),
      succeeded: fc.boolean(),
    }),
    fc.record({ do: fc.constant('begin' as const) }),
    fc.record({ do: fc.constant('accept' as const) }),
    fc.record({ do: fc.constant('fail' as const) }),
    fc.record({ do: fc.constant('pass' as const), byMs: fc.integer({ min: 0, max: 700_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let doubt = NO_DOUBT;
      let nowMs = 0;
      for (const each of steps) {
        if (each.do === 'pass') nowMs += each.byMs;
        else if (each.do === 'begin') doubt = lookBegun(doubt, nowMs);
        else if (each.do === 'accept') doubt = lookAccepted(doubt, nowMs);
        else if (each.do === 'fail') doubt = lookFailed(doubt);
        else {
          const ticket = settlingLook(doubt, each.key);
          doubt = withReport(doubt, report(each.key, each.succeeded), nowMs);
          const isHeld = holdOf(doubt, each.key, nowMs) !== undefined;
          const isUnderWay = doubt.looking?.has(each.key) === true || doubt.pending.has(each.key);
          if (!isHeld && !isUnderWay) return false;
          if (ticket <= doubt.settled) return false;
        }
        for (const hold of doubt.holds.values()) if (hold.untilMs - hold.sinceMs > HOLD_MS_MAX) return false;
      }
      return true;
    }),
  );
  t.pass();
});
