import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import type { Caller } from '../../src/hub/authenticator.ts';
import { HEARTBEAT_MS, Watchers } from '../../src/hub/watchers.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { makeToken, type Token } from '../../src/token/token.ts';
import { patientClock } from '../support/patient-clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair, startTestHub } from '../support/hub.ts';
import { openWatch, type TestWatch } from '../support/hub-watch.ts';
import type { Teardown } from '../support/simulator.ts';
import { RIGHTS } from '../../src/hub-api/rights.ts';

const TOKEN_PATH = `/v1/apps/${DEMO_APP.appid}/token`;
const ANYBODY: Caller = {
  kind: 'client',
  name: 'anybody',
  grants: [{ apps: new Set(['*']), may: new Set(RIGHTS) }],
};

test('a watcher gets the current token at once, and the next one within a second of its issue', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const watch = await openWatch(hub.base, ORDERS_KEY);
  t.teardown(() => watch.close());
  t.is(watch.response.headers['content-type'], 'text/event-stream');
  const [first] = await watch.untilEvents(1);
  t.is(first?.type, 'token');
  t.is(first?.data['access_token'], simulator.control.token(DEMO_APP.appid));

  simulator.control.overwrite();
  const report = { body: { fingerprint: first?.data['fingerprint'], errcode: 40001 } };
  const reported = await hub.call(`${TOKEN_PATH}/refresh`, report);
  const answeredMs = patientClock.monotonicMs();
  const [, second] = await watch.untilEvents(2);
  t.is(second?.data['fingerprint'], reported.json()['fingerprint']);
  t.not(second?.data['fingerprint'], first?.data['fingerprint']);
  t.true((second?.atMs ?? Infinity) - answeredMs < 1_000);
});

test('two hundred watchers all get a new token', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  await hub.call(TOKEN_PATH);
  const watches = await Promise.all(Array.from({ length: 200 }, () => openWatch(hub.base, REPORTS_KEY)));
  t.teardown(() => watches.forEach((watch) => watch.close()));
  await Promise.all(watches.map((watch) => watch.untilEvents(1)));
  t.is((hub.role.status() as { watchers: number }).watchers, 200);
  const fingerprint = watches[0]?.events[0]?.data['fingerprint'];
  simulator.control.overwrite();
  await hub.call(`${TOKEN_PATH}/refresh`, { body: { fingerprint, errcode: 40001 } });
  await Promise.all(watches.map((watch) => watch.untilEvents(2)));
  t.is(new Set(watches.map((watch) => watch.events[1]?.data['access_token'])).size, 1);
  t.not(watches[0]?.events[1]?.data['fingerprint'], fingerprint);
});

test('a watcher that reconnects after a gap gets what it missed', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const before = await openWatch(hub.base, ORDERS_KEY);
  const [first] = await before.untilEvents(1);
  before.close();
  simulator.control.overwrite();
  const report = { body: { fingerprint: first?.data['fingerprint'], errcode: 40001 } };
  const current = (await hub.call(`${TOKEN_PATH}/refresh`, report)).json();
  const after = await openWatch(hub.base, ORDERS_KEY, `?appid=${DEMO_APP.appid}`);
  t.teardown(() => after.close());
  const [resumed] = await after.untilEvents(1);
  t.is(resumed?.data['fingerprint'], current['fingerprint']);
});

test('an account without a token is reported as gone', async (t) => {
  const hub = await startTestHub(t, ['http://127.0.0.1:1']);
  const watch = await openWatch(hub.base, ORDERS_KEY);
  t.teardown(() => watch.close());
  const [event] = await watch.untilEvents(1);
  t.deepEqual([event?.type, event?.data], ['gone', { appid: DEMO_APP.appid }]);
});

test('a removed account is reported as gone, and a removed caller loses its stream', async (t) => {
  const { hub } = await startHubPair(t);
  const stays = await openWatch(hub.base, REPORTS_KEY);
  const leaves = await openWatch(hub.base, ORDERS_KEY);
  t.teardown(() => stays.close());
  await stays.untilEvents(1);
  hub.role.reconfigure({
    ...hub.settings,
    apps: [],
    clients: hub.settings.clients.filter(({ name }) => name !== 'orders'),
  });
  await leaves.untilEnded();
  const [, gone] = await stays.untilEvents(2);
  t.deepEqual([gone?.type, gone?.data], ['gone', { appid: DEMO_APP.appid }]);
  t.false(stays.ended);
});

test('a shutdown ends the streams and does not wait for them', async (t) => {
  const { hub } = await startHubPair(t);
  const watch = await openWatch(hub.base, ORDERS_KEY);
  await watch.untilEvents(1);
  const outcome = await hub.role.drain({ delayMs: 0, timeoutMs: 20_000 });
  t.deepEqual(outcome, { cut: 0 });
  await watch.untilEnded();
});

interface Bench {
  readonly clock: ManualClock;
  readonly watchers: Watchers;
  readonly base: string;
  readonly port: number;
  give(token: Token | undefined): void;
}

/** The watchers alone, with one account and a fake clock. */
async function startWatchers(
  t: Teardown,
  caller: Caller = ANYBODY,
  max = 10,
  appids: readonly string[] = ['wxone'],
): Promise<Bench> {
  const clock = new ManualClock();
  let current: Token | undefined = makeToken('first-token', clock.monotonicMs(), 7_200_000);
  const watchers = new Watchers({
    accounts: {
      list: () => appids.map((appid) => ({ appid, name: appid, mode: 'stable' as const })),
      peek: () => (current !== undefined && clock.monotonicMs() < current.expiresAtMs ? current : undefined),
      token: () => Promise.resolve({ kind: 'unavailable', errcode: -1, message: 'none' }),
    },
    clock,
    log: silentLog,
    limits: { max, perCaller: Math.ceil(max / 2) },
  });
  const server = createServer((_, response: ServerResponse) => {
    watchers.open(response, caller, '127.0.0.1', undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const give = (token: Token | undefined): void => {
    current = token;
  };
  return { clock, watchers, base: `http://127.0.0.1:${port}`, port, give };
}

test('a heartbeat is sent every fifteen seconds', async (t) => {
  const { clock, base } = await startWatchers(t);
  const watches: TestWatch[] = [];
  for (let count = 0; count < 3; count++) watches.push(await openWatch(base, 'k'));
  for (let beat = 1; beat <= 3; beat++) {
    clock.advance(HEARTBEAT_MS);
    await Promise.all(watches.map((watch) => watch.until(() => watch.comments >= beat)));
    t.deepEqual(
      watches.map(({ comments }) => comments),
      [beat, beat, beat],
    );
  }
});

test('a token that expires without a successor is reported as gone', async (t) => {
  const { clock, base } = await startWatchers(t);
  const watch = await openWatch(base, 'k');
  await watch.untilEvents(1);
  clock.advance(7_201_000);
  const [, gone] = await watch.untilEvents(2);
  t.is(gone?.type, 'gone');
  t.is(watch.events.length, 2);
});

test('a stream ends when the credential that opened it expires', async (t) => {
  const clock = new ManualClock();
  const caller: Caller = { ...ANYBODY, kind: 'service account', endsAtMs: clock.monotonicMs() + 60_000 };
  const bench = await startWatchers(t, caller);
  const watch = await openWatch(bench.base, 'k');
  bench.clock.advance(59_000);
  await watch.until(() => watch.comments >= 3);
  t.false(watch.ended);
  bench.clock.advance(HEARTBEAT_MS + 1_000);
  await watch.untilEnded();
  t.is(bench.watchers.size, 0);
});

test('a watcher that does not read is disconnected, and the others continue', async (t) => {
  const { clock, watchers, base, port, give } = await startWatchers(t);
  const deaf = connect(port, '127.0.0.1');
  t.teardown(() => deaf.destroy());
  await once(deaf, 'connect');
  deaf.write('GET /v1/tokens/watch HTTP/1.1\r\nHost: hub\r\n\r\n');
  deaf.pause();
  const reads = await openWatch(base, 'k');
  await reads.untilEvents(1);
  t.is(watchers.size, 2);
  const big = 't'.repeat(256 * 1024);
  let rounds = 0;
  while (watchers.size === 2 && rounds < 200) {
    rounds += 1;
    give(makeToken(`${big}${rounds}`, clock.monotonicMs(), 7_200_000));
    watchers.changed('wxone');
    await reads.untilEvents(1 + rounds);
  }
  t.is(watchers.size, 1);
  t.false(reads.ended);
});

test('one caller gets at most half of the watcher places', async (t) => {
  const { watchers, base } = await startWatchers(t, ANYBODY, 4);
  t.true(watchers.hasRoomFor(ANYBODY));
  const first = await openWatch(base, 'k');
  await openWatch(base, 'k');
  t.false(watchers.hasRoomFor(ANYBODY));
  t.true(watchers.hasRoomFor({ ...ANYBODY, name: 'somebody else' }));
  first.close();
  while (!watchers.hasRoomFor(ANYBODY)) await new Promise((resolve) => setImmediate(resolve));
  t.is(watchers.size, 1);
});

test('a watcher that disconnects before its stream starts takes no place', async (t) => {
  const clock = new ManualClock();
  const watchers = new Watchers({
    accounts: {
      list: () => [],
      peek: () => undefined,
      token: () => Promise.resolve({ kind: 'unavailable', errcode: -1, message: 'none' }),
    },
    clock,
    log: silentLog,
  });
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const leaver = connect((server.address() as AddressInfo).port, '127.0.0.1');
  leaver.write('GET / HTTP/1.1\r\nHost: hub\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  leaver.destroy();
  await once(response, 'close');
  watchers.open(response, ANYBODY, '127.0.0.1', undefined);
  t.is(watchers.size, 0);
});

test('a watcher of thousands of accounts gets each of them, no faster than it reads', async (t) => {
  const appids = Array.from({ length: 3_000 }, (_, at) => `wx${at}`);
  const { watchers, base } = await startWatchers(t, ANYBODY, 2, appids);
  const watch = await openWatch(base, 'k');
  t.teardown(() => watch.close());
  await watch.untilEvents(3_000);
  t.deepEqual(
    watch.events.map(({ data }) => data['appid']),
    appids,
  );
  t.is(watchers.size, 1);
});
