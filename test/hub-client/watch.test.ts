import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { ServerEvent } from '../../src/hub-client/sse.ts';
import { HubWatch } from '../../src/hub-client/watch.ts';
import { ripple } from '../support/fake-issuer.ts';
import { type FakeHub, makeFakeHub } from '../support/fake-hub-http.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Watched extends FakeHub {
  readonly watch: HubWatch;
  readonly events: ServerEvent[];
  hosts(): string[];
  /** Lets the last stream begin. */
  begin(): void;
}

async function startWatch(
  clock: ManualClock,
  urls: readonly string[] = ['http://a', 'http://b'],
  random: Random = () => 0.5,
): Promise<Watched> {
  const hub = makeFakeHub(clock, urls);
  const events: ServerEvent[] = [];
  const { client, origins } = hub;
  const onEvent = (event: ServerEvent): void => void events.push(event);
  const path = (): string => '/v1/tokens/watch';
  const watch = new HubWatch({ client, origins, path, onEvent, clock, random, log: silentLog });
  watch.start();
  await ripple();
  return {
    ...hub,
    watch,
    events,
    hosts: () => hub.http.sendings.map(({ origin }) => origin.host),
    begin: () => hub.http.at(-1).head(200, ['Content-Type', 'text/event-stream']),
  };
}

async function later(clock: ManualClock, byMs: number): Promise<void> {
  clock.advance(byMs);
  await ripple();
}

const EVENT = 'event: token\ndata: {}\n\n';

test('events are passed on as they arrive, from one stream with our credential', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock);
  t.is(hub.watch.status().state, 'connecting');
  hub.begin();
  hub.http.at(0).data(EVENT);
  hub.http.at(0).data(':\n\nevent: go');
  hub.http.at(0).data('ne\ndata: x\n\n');
  t.deepEqual(hub.events, [
    { type: 'token', data: '{}' },
    { type: 'gone', data: 'x' },
  ]);
  const { request } = hub.http.at(0);
  t.is(request.path, '/v1/tokens/watch');
  t.true(request.headers.includes('Bearer key-1'));
  t.like(hub.watch.status(), { state: 'open', host: 'a' });
});

test('a stream that has been silent for 45 s is dead, and one with heartbeats is not', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock, ['http://a']);
  hub.begin();
  for (let i = 0; i < 10; i++) {
    await later(clock, 44_000);
    hub.http.at(0).data(':\n\n');
  }
  t.is(hub.watch.status().state, 'open');
  await later(clock, 44_999);
  t.false(hub.http.at(0).aborted);
  await later(clock, 1);
  t.true(hub.http.at(0).aborted);
  t.like(hub.watch.status(), { state: 'waiting', lastFailure: 'silence' });
  await later(clock, 1_000);
  t.is(hub.http.sendings.length, 2);
});

test('a hub that does not respond at all is skipped after 10 s', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock);
  await later(clock, 10_000);
  t.deepEqual(hub.hosts(), ['a', 'b']);
  t.true(hub.http.at(0).aborted);
});

test('each address is tried in turn, and then all of them at growing intervals', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock);
  const waitedMs: number[] = [];
  for (let round = 0; round < 6; round++) {
    await hub.http.at(-1).fail('unreachable');
    await hub.http.at(-1).fail('unreachable');
    const before = hub.http.sendings.length;
    t.is(before, 2 * (round + 1));
    const startMs = clock.monotonicMs();
    while (hub.http.sendings.length === before) await later(clock, 100);
    waitedMs.push(clock.monotonicMs() - startMs);
  }
  // Half of 2 s, 4 s, 8 s, 16 s, and of the cap.
  t.deepEqual(waitedMs, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test('a hub that accepts no more watchers is left alone for as long as it says', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock, ['http://a']);
  hub.http.at(0).head(503, ['Retry-After', '30']);
  await ripple();
  t.true(hub.http.at(0).aborted);
  await later(clock, 30_999);
  t.is(hub.http.sendings.length, 1);
  await later(clock, 1);
  t.is(hub.http.sendings.length, 2);
});

test('a renewed credential is used for the next stream, and a missing one is waited for', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock, ['http://a']);
  hub.begin();
  hub.bearer({ kind: 'unreadable', why: 'there is no file x' });
  await hub.http.at(0).end();
  await later(clock, 1_000);
  t.is(hub.http.sendings.length, 1);
  t.like(hub.watch.status(), { state: 'waiting', lastFailure: 'there is no file x' });
});

test('a stream at another address returns to the first one after some minutes', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock);
  await hub.http.at(0).fail('unreachable');
  hub.begin();
  for (let i = 0; i < 44; i++) {
    hub.http.at(1).data(':\n\n');
    await later(clock, 10_000);
  }
  t.deepEqual(hub.hosts(), ['a', 'b']);
  await later(clock, 10_000);
  t.true(hub.http.at(1).aborted);
  await later(clock, 1_000);
  t.deepEqual(hub.hosts(), ['a', 'b', 'a']);
});

test('anything other than an event stream is not read, nor one whose event never ends', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock, ['http://a']);
  hub.http.at(0).head(200, ['content-type', 'text/html']);
  hub.http.at(0).data(EVENT);
  await ripple();
  t.like(hub.watch.status(), { state: 'waiting', lastFailure: 'not a hub' });
  await later(clock, 1_000);
  hub.begin();
  hub.http.at(-1).data('data: '.padEnd(100_000, 'x'));
  await ripple();
  t.true(hub.http.at(-1).aborted);
  t.deepEqual(hub.events, []);
});

test('a thousand sidecars that lose their hub at the same moment reconnect spread over its first seconds', async (t) => {
  const clock = new ManualClock();
  const random = seededRandom(7);
  const hubs = await Promise.all(
    Array.from({ length: 1_000 }, () => startWatch(clock, ['http://a'], random)),
  );
  for (const hub of hubs) {
    hub.begin();
    hub.http.at(0).data(EVENT);
  }
  await Promise.all(hubs.map((hub) => hub.http.at(0).end()));
  const back = (): number => hubs.filter((hub) => hub.http.sendings.length === 2).length;
  const perTenth: number[] = [];
  for (let tenth = 0; tenth < 20; tenth++) {
    const before = back();
    await later(clock, 100);
    perTenth.push(back() - before);
  }
  t.is(back(), 1_000);
  t.true(Math.max(...perTenth) < 100, perTenth.join(' '));
  t.true(Math.min(...perTenth) > 10, perTenth.join(' '));
});

test('a closed watch stays closed', async (t) => {
  const clock = new ManualClock();
  const hub = await startWatch(clock);
  hub.begin();
  hub.watch.close();
  t.true(hub.http.at(0).aborted);
  await later(clock, 600_000);
  t.is(hub.http.sendings.length, 1);
  t.is(hub.watch.status().state, 'closed');
});
