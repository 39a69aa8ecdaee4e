import test from 'ava';
import { ReusedMemory } from '../../src/base/reused-memory.ts';

test('the same memory is given again, until what was taken is still needed', (t) => {
  const memory = new ReusedMemory(16);
  const first = memory.take(5);
  first?.write('first');
  memory.take(6)?.write('second');
  t.is(first?.toString(), 'secon');
  memory.leave();
  memory.take(5)?.write('third');
  t.is(first?.toString(), 'secon');
});

test('more than the maximum is not given', (t) => {
  const memory = new ReusedMemory(16);
  t.is(memory.take(16)?.length, 16);
  t.is(memory.take(17), undefined);
});
