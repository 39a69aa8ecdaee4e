import test from 'ava';
import { Origins } from '../../src/upstream/origins.ts';
import { ManualClock } from '../support/manual-clock.ts';

const A = 'https://api.weixin.qq.com';
const B = 'https://api2.weixin.qq.com';

function urls(origins: Origins): string[] {
  return origins.inOrder().map((origin) => origin.url);
}

test('an origin that failed is skipped for a while, then tried by one call at a time', (t) => {
  const clock = new ManualClock();
  const origins = new Origins([A, `${B}/`], clock);
  t.deepEqual(urls(origins), [A, B]);
  origins.failed(origins.first(), 'ECONNREFUSED');
  t.deepEqual(urls(origins), [B, A]);
  clock.advance(5_000);
  t.deepEqual(urls(origins), [A, B]);
  t.deepEqual(urls(origins), [B, A]);
  origins.connected(origins.first());
  t.deepEqual(urls(origins), [A, B]);
  t.deepEqual(urls(origins), [A, B]);
});

test('an origin that fails again is skipped longer, up to a minute', (t) => {
  const clock = new ManualClock();
  const origins = new Origins([A, B], clock);
  for (const skippedMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    origins.failed(origins.first(), 'timeout');
    clock.advance(skippedMs - 1);
    t.deepEqual(urls(origins), [B, A], `before ${skippedMs}`);
    clock.advance(1);
    t.deepEqual(urls(origins), [A, B], `after ${skippedMs}`);
  }
});

test('many calls that fail together count as one failure', (t) => {
  const clock = new ManualClock();
  const origins = new Origins([A, B], clock);
  for (let call = 0; call < 100; call++) origins.failed(origins.first(), 'ECONNREFUSED');
  clock.advance(5_000);
  t.deepEqual(urls(origins), [A, B]);
});

test('if every origin is skipped, they are still tried', (t) => {
  const origins = new Origins([A, B], new ManualClock());
  for (const origin of origins.inOrder()) origins.failed(origin, 'ECONNREFUSED');
  t.deepEqual(urls(origins), [A, B]);
  t.deepEqual(
    origins.health().map(({ state, lastFailure }) => [state, lastFailure]),
    [
      ['skipped', 'ECONNREFUSED'],
      ['skipped', 'ECONNREFUSED'],
    ],
  );
});
