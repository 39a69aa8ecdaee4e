import test from 'ava';
import * as fc from 'fast-check';
import { parseDurationMs, parseSizeBytes } from '../../src/settings/units.ts';

test('a duration is a number with its unit', (t) => {
  t.is(parseDurationMs('250ms'), 250);
  t.is(parseDurationMs('30s'), 30_000);
  t.is(parseDurationMs('1.5m'), 90_000);
  t.is(parseDurationMs('2h'), 7_200_000);
  t.is(parseDurationMs('0s'), 0);
});

test('a size is a number with its unit, binary or decimal', (t) => {
  t.is(parseSizeBytes('512B'), 512);
  t.is(parseSizeBytes('64KiB'), 65_536);
  t.is(parseSizeBytes('20MiB'), 20_971_520);
  t.is(parseSizeBytes('1GiB'), 1_073_741_824);
  t.is(parseSizeBytes('1KB'), 1_000);
  t.is(parseSizeBytes('0.5MB'), 500_000);
});

for (const text of [
  '30',
  '',
  's',
  '30 s',
  '-1s',
  '+1s',
  '1e3s',
  '0x1s',
  '30S',
  '30sec',
  '1m30s',
  ' 1s',
  '1.s',
]) {
  test(`"${text}" is neither a duration nor a size`, (t) => {
    t.is(parseDurationMs(text), undefined);
    t.is(parseSizeBytes(text), undefined);
  });
}

test('each whole number of a unit is read exactly', (t) => {
  const durations = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const sizes = { B: 1, KiB: 1_024, MiB: 1_024 ** 2, GiB: 1_024 ** 3, KB: 1e3, MB: 1e6, GB: 1e9 };
  fc.assert(
    fc.property(fc.nat(1_000_000), (amount) => {
      for (const [unit, scale] of Object.entries(durations))
        t.is(parseDurationMs(`${amount}${unit}`), amount * scale);
      for (const [unit, scale] of Object.entries(sizes))
        t.is(parseSizeBytes(`${amount}${unit}`), amount * scale);
    }),
  );
});

test('an accepted value is a non-negative whole number with a unit', (t) => {
  const likely = fc.stringMatching(/^\d{0,4}(\.\d{0,7})?(ms|s|m|h|[KMG]i?B|B|x)?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), likely), (text) => {
      for (const value of [parseDurationMs(text), parseSizeBytes(text)]) {
        t.true(
          value === undefined || (Number.isSafeInteger(value) && value >= 0 && /[a-zA-Z]$/.test(text)),
          text,
        );
      }
    }),
  );
});
