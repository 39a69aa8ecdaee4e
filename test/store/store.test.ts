import test from 'ava';
import fc from 'fast-check';
import { Secret } from '../../src/base/secret.ts';
import { RollingCount } from '../../src/keeper/rolling-count.ts';
import { fromRecord, toRecord } from '../../src/store/token-records.ts';
import { policyFor } from '../../src/token/policy.ts';
import { notAhead } from '../../src/token/quota.ts';
import { makeToken } from '../../src/token/token.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_700_000_000_000;

/** A process whose life scale is off from the wall clock by this much. */
function clockOff(byMs: number): ManualClock {
  const clock = new ManualClock();
  const wallMs = clock.unixMs.bind(clock);
  clock.unixMs = () => wallMs() + byMs;
  return clock;
}

test('a record has Unix times, which are converted to the clock of another process', (t) => {
  const before = clockOff(-HOUR_MS);
  const token = makeToken('value', before.monotonicMs() - 1_000, 7_200_000);
  const record = toRecord('wx1', 'stable', token, [before.monotonicMs() - 500], before);
  t.is(record.token?.expiresAtUnixMs, before.unixMs() + 7_199_000);
  const after = new ManualClock(before.unixMs() + 60_000);
  const found = fromRecord(record, after);
  t.is(found.token?.expiresAtMs, after.monotonicMs() + 7_139_000);
  t.is(found.token?.fingerprint, token.fingerprint);
  t.deepEqual(found.forcedAtMs, [after.monotonicMs() - 60_500]);
});

test('a wall clock that was set back lengthens neither the lifetime of a token nor the wait for the quota', (t) => {
  const clock = new ManualClock();
  const value = new Secret('value');
  const aheadMs = clock.unixMs() + HOUR_MS;
  const token = { value, issuedAtUnixMs: aheadMs, expiresAtUnixMs: aheadMs + 7_200_000 };
  const found = fromRecord({ appid: 'wx1', mode: 'stable', token, forcedAtUnixMs: [aheadMs] }, clock);
  t.is(found.token?.expiresAtMs, clock.monotonicMs() + 7_200_000);
  t.deepEqual(found.forcedAtMs, [clock.monotonicMs()]);
});

test('forced refreshes in the future keep their number and spacing, and earlier ones stay', (t) => {
  const quota = policyFor('stable').quota;
  const date = fc.integer({ min: NOW_MS - 2 * quota.windowMs, max: NOW_MS + 2 * quota.windowMs });
  fc.assert(
    fc.property(fc.array(date, { maxLength: 20 }), (dates) => {
      const settled = notAhead(dates, quota, NOW_MS);
      t.is(settled.length, dates.length);
      t.true(settled.every((atMs) => atMs <= NOW_MS));
      t.is(settled.length > 0 && dates.some((atMs) => atMs > NOW_MS) ? settled.at(-1) : NOW_MS, NOW_MS);
      t.deepEqual(notAhead(settled, quota, NOW_MS + 1), settled);
      for (const past of dates.filter((atMs) => atMs <= NOW_MS)) t.true(settled.includes(past));
    }),
  );
});

test('fetches are counted for a day', (t) => {
  const count = new RollingCount();
  for (let hour = 0; hour < 48; hour += 1) count.add(hour * HOUR_MS);
  t.is(count.total(47 * HOUR_MS), 24);
  t.is(count.total(60 * HOUR_MS), 11);
  t.is(count.total(200 * HOUR_MS), 0);
});
