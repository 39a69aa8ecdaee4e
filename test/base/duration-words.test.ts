import test from 'ava';
import { durationWords } from '../../src/base/duration-words.ts';

test('durations are rounded the way people say them', (t) => {
  t.deepEqual([-5, 0, 44_600, 119_000, 180_000, 24 * 60_000, 7_200_000, 86_400_000].map(durationWords), [
    '0 s',
    '0 s',
    '45 s',
    '119 s',
    '3 min',
    '24 min',
    '2 h',
    '24 h',
  ]);
});
