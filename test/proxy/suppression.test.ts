import test from 'ava';
import { Suppression } from '../../src/proxy/suppression.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('a path that a new token did not help asks for no other for a minute', (t) => {
  const clock = new ManualClock();
  const suppression = new Suppression(clock);
  t.false(suppression.applies('wx', '/a', 'F1'));
  suppression.reported('wx', '/a', 'F0');
  suppression.note('wx', '/a', 'F1');
  clock.advance(59_999);
  t.true(suppression.applies('wx', '/a', 'F1'));
  t.false(suppression.applies('wx', '/b', 'F1'));
  t.false(suppression.applies('other', '/a', 'F1'));
  clock.advance(1);
  t.false(suppression.applies('wx', '/a', 'F1'));
});

test('another token, or another path that reports the same one, ends it', (t) => {
  const clock = new ManualClock();
  const suppression = new Suppression(clock);
  suppression.reported('wx', '/a', 'F1');
  suppression.note('wx', '/a', 'F1');
  t.false(suppression.applies('wx', '/a', 'F2'));
  clock.advance(1);
  suppression.reported('wx', '/b', 'F2');
  t.true(suppression.applies('wx', '/a', 'F1'));
  suppression.reported('wx', '/b', 'F1');
  t.false(suppression.applies('wx', '/a', 'F1'));
  suppression.note('wx', '/a', 'F1');
  t.true(suppression.applies('wx', '/a', 'F1'));
});
