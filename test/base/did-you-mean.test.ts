import test from 'ava';
import * as fc from 'fast-check';
import { editDistance, nearest } from '../../src/base/did-you-mean.ts';

test('the nearest word is suggested, and a distant one is not', (t) => {
  t.is(nearest('lsiten', ['listen', 'adminListen']), 'listen');
  t.is(nearest('LISTEN', ['listen']), 'listen');
  t.is(nearest('xyz', ['listen', 'store']), undefined);
  t.is(nearest('store', []), undefined);
});

test('swapping two neighbouring characters counts as one edit', (t) => {
  t.is(editDistance('ab', 'ba'), 1);
  t.is(editDistance('kitten', 'sitting'), 3);
  t.is(editDistance('', 'abc'), 3);
});

test('the distance is symmetric, and zero only between equal words', (t) => {
  const word = fc.stringMatching(/^[abc]{0,8}$/);
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      t.is(distance, editDistance(b, a));
      t.is(distance === 0, a === b);
      t.true(distance <= Math.max(a.length, b.length));
    }),
  );
});
