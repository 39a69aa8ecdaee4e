import test from 'ava';
import { shareOfMemory } from '../../src/base/container-memory.ts';

test('a share of the memory of a container is in whole bytes', (t) => {
  t.is(shareOfMemory(0.25, 128 * 2 ** 20), 32 * 2 ** 20);
  t.is(shareOfMemory(0.25, 2 ** 20 + 3), 2 ** 18);
});

test('without a limit of memory there is none for a share of it', (t) => {
  for (const none of [0, 2 ** 63 - 4096, 2 ** 64]) t.is(shareOfMemory(0.25, none), Infinity);
});
