import test from 'ava';
import * as fc from 'fast-check';
import { backoffMs } from '../../src/base/backoff.ts';
import { seededRandom, systemRandom } from '../../src/base/random.ts';

test('a delay is random between zero and a bound that starts at one second, doubles each time, and ends at a minute', (t) => {
  const almostOne = (): number => 1 - Number.EPSILON;
  const longest = [0, 1, 2, 3, 4, 5, 6, 7, 1_000].map((attempt) => Math.round(backoffMs(attempt, almostOne)));
  t.deepEqual(longest, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  t.is(
    backoffMs(5, () => 0),
    0,
  );
});

test('random numbers are at least zero and less than one, and the same seed gives the same sequence', (t) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [one, two] = [seededRandom(seed), seededRandom(seed)];
      return Array.from({ length: 20 }).every(() => {
        const drawn = one();
        return drawn === two() && drawn >= 0 && drawn < 1;
      });
    }),
  );
  const drawn = Array.from({ length: 100 }, systemRandom);
  t.true(drawn.every((fraction) => fraction >= 0 && fraction < 1));
  t.true(new Set(drawn).size > 90);
});
