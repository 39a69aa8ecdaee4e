import test from 'ava';
import { LruTable } from '../../src/base/lru-table.ts';

test('a table that is full forgets what was not used for the longest time', (t) => {
  const forgotten: number[] = [];
  const table = new LruTable<string, number>(3, (value) => forgotten.push(value));
  for (const value of [1, 2, 3]) table.set(String(value), value);
  t.is(table.get('1'), 1);
  table.set('4', 4);
  t.deepEqual([...table.keys()], ['4', '1', '3']);
  t.deepEqual(forgotten, [2]);
});

test('a table of one entry holds the last one', (t) => {
  const table = new LruTable<string, number>(1);
  for (const value of [1, 2, 3]) table.set(String(value), value);
  t.deepEqual([...table.entries()], [['3', 3]]);
});

test('room that is not used costs no memory', (t) => {
  const before = process.memoryUsage();
  const tables = Array.from({ length: 500 }, () => new LruTable<string, string>(10_000).set('a', 'b'));
  const after = process.memoryUsage();
  t.true(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers < 20_000_000);
  t.is(tables.length, 500);
});
