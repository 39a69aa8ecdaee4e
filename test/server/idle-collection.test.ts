import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import test from 'ava';
import { collectWhenIdle, ownHeap } from '../../src/server/idle-collection.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { anonymousBytes } from '../support/memory.ts';
import { RoleProcess } from '../support/process.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** Notes what was done with it, and when. */
function heapOn(
  clock: ManualClock,
  utilization: () => number,
  durationsMs: number[] = [],
): { done: string[]; heap: Parameters<typeof collectWhenIdle>[1] } {
  const startMs = clock.monotonicMs();
  const done: string[] = [];
  const note = (what: string) => (): void => void done.push(`${what} ${clock.monotonicMs() - startMs}`);
  const allowOwn = (isAllowed: boolean): void => note(isAllowed ? 'allow' : 'prevent')();
  const collect = (): void => {
    note('collect')();
    clock.advance(durationsMs.shift() ?? 0);
  };
  return { done, heap: { utilization, collect, allowOwn } };
}

test('an idle process collects a few times, and later leaves it to V8 again', (t) => {
  const clock = new ManualClock();
  const { done, heap } = heapOn(clock, () => 0.01);
  collectWhenIdle(clock, heap);
  clock.advance(10 * MINUTE_MS);
  t.deepEqual(done, [
    'collect 400',
    'collect 800',
    'collect 1200',
    'collect 1600',
    'prevent 8600',
    'allow 10600',
  ]);
  t.is(clock.pending, 0);
});

test('a busy process is left alone until it is idle', (t) => {
  const clock = new ManualClock();
  let utilization = 0.5;
  const { done, heap } = heapOn(clock, () => utilization);
  collectWhenIdle(clock, heap);
  clock.advance(30 * SECOND_MS);
  t.deepEqual(done, []);
  utilization = 0;
  clock.advance(SECOND_MS);
  utilization = 0.06;
  clock.advance(10 * SECOND_MS);
  t.deepEqual(done, ['collect 30400', 'collect 30800']);
  utilization = 0.05;
  clock.advance(MINUTE_MS);
  t.deepEqual(done.slice(2), ['collect 41200', 'collect 41600', 'prevent 48600', 'allow 50600']);
});

test('a process that is busy from the start is left alone for good', (t) => {
  const clock = new ManualClock();
  const { done, heap } = heapOn(clock, () => 0.3);
  collectWhenIdle(clock, heap);
  clock.advance(10 * MINUTE_MS);
  t.deepEqual(done, []);
  t.is(clock.pending, 0);
});

test('a process that becomes busy for good after a collection leaves the rest to V8', (t) => {
  const clock = new ManualClock();
  const shares = [0, 0];
  const { done, heap } = heapOn(clock, () => shares.shift() ?? 1);
  collectWhenIdle(clock, heap);
  clock.advance(10 * MINUTE_MS);
  t.deepEqual(done, ['collect 400']);
  t.is(clock.pending, 0);
});

test('after collections that took long in all there is no other', (t) => {
  const clock = new ManualClock();
  const { done, heap } = heapOn(clock, () => 0, [150, 101]);
  collectWhenIdle(clock, heap);
  clock.advance(10 * MINUTE_MS);
  t.deepEqual(done, ['collect 400', 'collect 950']);
  t.is(clock.pending, 0);
});

test('a single slow collection does not prevent the others', (t) => {
  const clock = new ManualClock();
  const { done, heap } = heapOn(clock, () => 0, [150, 40, 40, 20]);
  collectWhenIdle(clock, heap);
  clock.advance(10 * MINUTE_MS);
  t.deepEqual(done.slice(3), ['collect 1830', 'prevent 8850', 'allow 10850']);
});

const heap = ownHeap(process.version);
const onNode22 = heap === undefined ? test.skip : test;

onNode22(
  'the own heap returns empty pages, and knows how busy the event loop is (Node 22 or later)',
  async (t) => {
    let garbage: unknown = Array.from({ length: 500_000 }, (_, at) => ({ at }));
    const fullBytes = getHeapStatistics().total_heap_size;
    t.not(garbage, undefined);
    garbage = undefined;
    heap?.collect();
    t.true(getHeapStatistics().total_heap_size < fullBytes - 10_000_000);
    heap?.allowOwn(false);
    heap?.allowOwn(true);
    heap?.utilization();
    await sleep(200);
    t.true((heap?.utilization() ?? 1) < 0.5);
    for (const endMs = performance.now() + 200; performance.now() < endMs;);
    t.true((heap?.utilization() ?? 0) > 0.5);
  },
);

onNode22('an idle sidecar returns the memory of its start (Linux, Node 22 or later)', async (t) => {
  const sidecar = await new RoleProcess(t, 'proxy', {
    env: {
      WECHAT_APPID: 'wx0123456789abcdef',
      WECHAT_APPSECRET: 'a-secret-of-this-test',
      WECHAT_SIDECAR_UPSTREAMS: 'http://127.0.0.1:9',
    },
  }).untilServing();
  const startedBytes = anonymousBytes(sidecar.pid);
  t.true(startedBytes > 0);
  while (anonymousBytes(sidecar.pid) > 0.85 * startedBytes) await sleep(50);
  t.is(sidecar.stderr(), '');
});
