import test from 'ava';
import type { Caller } from '../../src/hub/authenticator.ts';
import { Problem } from '../../src/hub/problem.ts';
import { Shares } from '../../src/hub/shares.ts';

const ONE: Caller = { kind: 'client', name: 'one', grants: [] };
const TWO: Caller = { kind: 'client', name: 'two', grants: [] };

function held(): { work: () => Promise<void>; end(): void } {
  const ends: (() => void)[] = [];
  return {
    work: () => new Promise((resolve) => ends.push(resolve)),
    end: () => ends.shift()?.(),
  };
}

test('a caller that uses its whole share leaves places for others, and can use them again later', async (t) => {
  const shares = new Shares({ max: 5, perCaller: 3 });
  const { work, end } = held();
  const running = [1, 2, 3].map(() => shares.run(ONE, work));
  const refused = await t.throwsAsync(shares.run(ONE, work), { any: true });
  t.true(refused instanceof Problem);
  running.push(shares.run(TWO, work), shares.run(TWO, work));
  await t.throwsAsync(shares.run(TWO, work), { any: true });
  for (const _ of running) end();
  await Promise.all(running);
  t.is(await shares.run(ONE, () => 'served'), 'served');
});

test('failed work releases its place', async (t) => {
  const shares = new Shares({ max: 1, perCaller: 1 });
  await t.throwsAsync(shares.run(ONE, () => Promise.reject(new Error('a fault'))));
  t.is(await shares.run(TWO, () => 7), 7);
});
