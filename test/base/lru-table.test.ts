import test from 'ava';
import { LruTable } from '../../src/base/lru-table.ts';

test('a full table drops the least recently used entry', (t) => {
  const forgotten: number[] = [];
  const table = new LruTable<string, number>(3, (value) => forgotten.push(value));
  for (const value of [1, 2, 3]) table.set(String(value), value);
  t.is(table.get('1'), 1);
  table.set('4', 4);
  t.deepEqual([...table.keys()], ['4', '1', '3']);
  t.deepEqual(forgotten, [2]);
});

test('a table with room for one entry keeps the latest one', (t) => {
  const table = new LruTable<string, number>(1);
  for (const value of [1, 2, 3]) table.set(String(value), value);
  t.deepEqual([...table.entries()], [['3', 3]]);
});

test('unused capacity takes no memory', (t) => {
  const before = process.memoryUsage();
  const tables = Array.from({ length: 500 }, () => new LruTable<string, string>(10_000).set('a', 'b'));
  const after = process.memoryUsage();
  t.true(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers < 20_000_000);
  t.is(tables.length, 500);
});
