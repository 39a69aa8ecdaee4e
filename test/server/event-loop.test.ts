import test from 'ava';
import { eventLoopUtilization } from '../../src/server/event-loop.ts';

test('the utilization covers the time since the last reading, and readings close together count as one', (t) => {
  let spent = { idle: 3_000, active: 1_000 };
  const read = eventLoopUtilization(() => spent);
  t.is(read(), 0.25);
  spent = { idle: 3_100, active: 1_500 };
  t.is(read(), 0.25);
  spent = { idle: 4_000, active: 10_000 };
  t.is(read(), 0.9);
});
