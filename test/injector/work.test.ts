import test from 'ava';
import { WorkBudget } from '../../src/injector/work.ts';

test('when all reviews together hold too much memory, the oldest are aborted until there is room', (t) => {
  const budget = new WorkBudget(100);
  const cut: number[] = [];
  const works = [0, 1, 2, 3].map((n) => budget.begin(() => cut.push(n)));
  for (const work of works.slice(0, 3)) work.holds(30);
  t.is(budget.bytes(), 90);
  works[3]?.holds(70);
  t.deepEqual(cut, [0, 1]);
  t.is(budget.bytes(), 100);
  works[2]?.holds(20);
  t.deepEqual(cut, [0, 1]);
  works[2]?.holds(40);
  t.deepEqual(cut, [0, 1, 3]);
  t.is(budget.bytes(), 40);
});

test('a review that has ended or was aborted holds nothing, whatever it reports later', (t) => {
  const budget = new WorkBudget(100);
  let cuts = 0;
  const one = budget.begin(() => (cuts += 1));
  one.holds(60);
  const two = budget.begin(() => undefined);
  two.holds(60);
  t.is(cuts, 1);
  one.holds(1_000);
  one.end();
  t.is(budget.bytes(), 60);
  two.end();
  two.end();
  t.is(budget.bytes(), 0);
});
