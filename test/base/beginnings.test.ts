import test from 'ava';
import { Beginnings } from '../../src/base/beginnings.ts';

test('the beginning of a buffer has its current bytes', (t) => {
  const buffer = Buffer.from('first bytes');
  const beginnings = new Beginnings(buffer);
  t.is(beginnings.upTo(5).toString(), 'first');
  buffer.write('other');
  t.is(beginnings.upTo(5).toString(), 'other');
  t.is(beginnings.upTo(11).toString(), 'other bytes');
  t.is(beginnings.upTo(0).length, 0);
});

test('lengths that share a slot each get their own bytes', (t) => {
  const buffer = Buffer.alloc(64 * 1024, 'x');
  const beginnings = new Beginnings(buffer);
  for (const length of [1, 65, 129, 1, 64 * 1024, 64, 65]) t.is(beginnings.upTo(length).length, length);
});
