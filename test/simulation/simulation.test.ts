import test from 'ava';
import { SCRIPTS_THAT_FAILED } from './failed-scripts.ts';
import { runScript, runSeed, shrink } from './run.ts';
import { drawScript } from './script.ts';

/** As many as there is time for in each run of the tests; `npm run simulate` takes any number. */
const SEEDS = 60;

for (const half of [0, 1]) {
  test(`every promise is kept in seeds ${half === 0 ? 'with even' : 'with odd'} numbers`, async (t) => {
    for (let seed = 1 + half; seed <= SEEDS; seed += 2) {
      const { violation } = await runSeed(seed);
      t.is(violation, undefined, `npm run simulate -- --seed ${seed} --log`);
    }
  });
}

for (const { story, script } of SCRIPTS_THAT_FAILED) {
  test(`it does not fail any more: ${story}`, async (t) => {
    t.is((await runScript(script)).violation, undefined);
  });
}

test('the same seed produces the same events each time, with or without output', async (t) => {
  for (const seed of [4, 10, 16]) {
    const first = await runSeed(seed);
    const again = await runSeed(seed);
    t.is(again.sum, first.sum);
    t.deepEqual(again.counts, first.counts);
    const lines: string[] = [];
    const told = await runSeed(seed, { write: (line) => lines.push(line) });
    t.deepEqual(told.counts, first.counts);
    t.true(lines.length > 10);
  }
  t.not((await runSeed(4)).sum, (await runSeed(10)).sum);
});

test('a script is at least three hours long and possible in its world', (t) => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const { endMs, steps, sizes } = drawScript(seed);
    t.true(endMs >= 3 * 3_600_000);
    for (const step of steps) {
      t.true(step.atMs > 0 && step.atMs < endMs);
      if (sizes.store !== 'shared') t.false(step.do.startsWith('store'));
      if (sizes.hubs === 0) t.false(step.do.startsWith('hub'));
    }
  }
});

test('a failing script is shortened as far as possible', async (t) => {
  const items = Array.from({ length: 57 }, (_, at) => at);
  const fails = (left: readonly number[]): Promise<boolean> =>
    Promise.resolve([3, 4, 40].every((needed) => left.includes(needed)));
  t.deepEqual(await shrink(items, fails), [3, 4, 40]);
  t.deepEqual(await shrink(items, () => Promise.resolve(true)), []);
});
