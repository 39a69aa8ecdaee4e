import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { HubAccounts } from '../../src/hub-client/accounts.ts';
import { ripple } from '../support/fake-issuer.ts';
import { FakeHubHttp, type FakeSending, wireToken } from '../support/fake-hub-http.ts';
import { ManualClock } from '../support/manual-clock.ts';

const APPS = '/v1/apps';
const WATCH = '/v1/tokens/watch';
const TOKEN = '/v1/apps/wx1/token';

interface Started {
  readonly clock: ManualClock;
  readonly accounts: HubAccounts;
  to(path: string): FakeSending[];
  pass(forMs: number): Promise<void>;
}

/** `random` close to 1 makes every back-off as long as it can be. */
async function startAccounts(): Promise<Started> {
  const clock = new ManualClock();
  const http = new FakeHubHttp();
  const accounts = new HubAccounts({
    urls: ['http://hub'],
    readBearer: () => Promise.resolve({ kind: 'bearer', value: new Secret('key-1') }),
    http,
    version: '0.0.0-test',
    clock,
    random: () => 0.999,
    log: silentLog,
    onToken() {},
    onGone() {},
  });
  void accounts.start();
  await ripple();
  return {
    clock,
    accounts,
    to: (path) => http.sendings.filter(({ request }) => request.path === path),
    async pass(forMs) {
      for (let left = forMs; left > 0; left -= 50) {
        clock.advance(50);
        await ripple();
      }
    },
  };
}

/** Every channel has failed often enough to wait for long, and has just begun to. */
async function outage(hub: Started): Promise<void> {
  let quietMs = 0;
  for (let asked = 0; quietMs < 2_000; quietMs += 50) {
    const now = hub.to(APPS).length + hub.to(WATCH).length;
    if (now !== asked) quietMs = 0;
    asked = now;
    for (const path of [APPS, WATCH]) for (const sending of hub.to(path)) await sending.fail('unreachable');
    await hub.pass(50);
  }
}

test('a call that needs the hub makes list and watch retry immediately, at most once a second', async (t) => {
  const hub = await startAccounts();
  await outage(hub);
  const before = [hub.to(APPS).length, hub.to(WATCH).length];
  void hub.accounts.token('wx1');
  await ripple();
  t.deepEqual([hub.to(APPS).length, hub.to(WATCH).length], [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
  await hub.to(APPS).at(-1)?.fail('unreachable');
  await hub.to(WATCH).at(-1)?.fail('unreachable');
  for (let call = 0; call < 20; call += 1) void hub.accounts.token('wx1');
  await ripple();
  t.deepEqual([hub.to(APPS).length, hub.to(WATCH).length], [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
});

test('a hub that returns is noticed by the next call that needs it', async (t) => {
  const hub = await startAccounts();
  await outage(hub);
  const call = hub.accounts.token('wx1');
  await ripple();
  await hub
    .to(TOKEN)
    .at(-1)
    ?.answer(200, wireToken('wx1', 'token-number-one', hub.clock));
  t.is((await call).kind, 'token');
  await hub
    .to(APPS)
    .at(-1)
    ?.answer(200, { apps: [{ appid: 'wx1', name: 'wx1', mode: 'stable' }] });
  t.true(hub.accounts.isListed());
});

test('a watch that the hub told to wait does so, whatever is called', async (t) => {
  const hub = await startAccounts();
  await hub.to(WATCH).at(-1)?.problem(503, 'overloaded', { retryAfterS: 5 });
  const before = hub.to(WATCH).length;
  for (let step = 0; step < 49; step += 1) {
    void hub.accounts.token('wx1');
    await hub.pass(100);
  }
  t.is(hub.to(WATCH).length, before);
});

for (const kind of ['refuses', 'holds back'] as const) {
  test(`an idle sidecar gets its tokens if something on the way ${kind} event streams`, async (t) => {
    const hub = await startAccounts();
    await hub
      .to(APPS)
      .at(-1)
      ?.answer(200, { apps: [{ appid: 'wx1', name: 'wx1', mode: 'stable' }] });
    if (kind === 'refuses') await hub.to(WATCH).at(-1)?.answer(502, {});
    else hub.to(WATCH).at(-1)?.head(200, ['content-type', 'text/event-stream']);
    await hub.pass(1_000);
    t.is(hub.to(TOKEN).length, 1);
    await hub.to(TOKEN)[0]?.answer(200, wireToken('wx1', 'token-number-one', hub.clock));
    t.true(hub.accounts.hasHadToken('wx1'));
    await hub.pass(26_000);
    t.is(hub.to(TOKEN).length, 2);
  });
}

test('if events arrive, tokens are not requested as well', async (t) => {
  const hub = await startAccounts();
  await hub
    .to(APPS)
    .at(-1)
    ?.answer(200, { apps: [{ appid: 'wx1', name: 'wx1', mode: 'stable' }] });
  const stream = hub.to(WATCH).at(-1);
  stream?.head(200, ['content-type', 'text/event-stream']);
  stream?.data(`event: token\ndata: ${JSON.stringify(wireToken('wx1', 'token-number-one', hub.clock))}\n\n`);
  for (let second = 0; second < 60; second += 1) {
    stream?.data(':\n\n');
    await hub.pass(1_000);
  }
  t.is(hub.to(TOKEN).length, 0);
});
