import test from 'ava';
import fc from 'fast-check';
import { conversation, differenceOf } from '../support/lane-fuzz.ts';
import { startLanes } from '../support/two-lanes.ts';

/** Seeds that once found a difference. */
const KEPT_SEEDS: readonly number[] = [1, 2, 3];
const RUNS = 60;

for (const seed of KEPT_SEEDS) {
  test(`whatever a caller sends, both lanes read it as node:http does (seed ${seed})`, async (t) => {
    const both = [await startLanes(t, true), await startLanes(t, false)] as const;
    await fc.assert(
      fc.asyncProperty(conversation, async (given) => t.is(await differenceOf(both, given), undefined)),
      { seed, numRuns: RUNS },
    );
  });
}
