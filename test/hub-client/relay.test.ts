import test from 'ava';
import { relayByHub, type RelayOutcome } from '../../src/hub-client/relay.ts';
import { type FakeHub, makeFakeHub } from '../support/fake-hub-http.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

async function startRelay(): Promise<{ hub: FakeHub; relayed: Promise<RelayOutcome>; clock: ManualClock }> {
  const clock = new ManualClock();
  const hub = makeFakeHub(clock);
  const { signal } = new AbortController();
  const call = {
    method: 'GET' as const,
    path: '/sns/jscode2session',
    query: 'js_code=1',
    contentType: undefined,
  };
  const relayed = relayByHub(hub.client, 'wx1', { ...call, body: Buffer.alloc(0), signal });
  await ripple();
  return { hub, relayed, clock };
}

const OF_PLATFORM = ['x-wechat-sidecar-relay', '1'];

test('a call that one hub rejected before acting on it is made by the next', async (t) => {
  for (const [status, reason] of [
    [503, 'overloaded'],
    [503, 'review_unavailable'],
    [401, 'unauthorized'],
    [404, 'unknown_app'],
  ] as const) {
    const { hub, relayed } = await startRelay();
    await hub.http.at(0).problem(status, reason);
    await hub.http.at(1).answer(200, { openid: 'o' }, OF_PLATFORM);
    t.like(await relayed, { kind: 'answer', status: 200 }, reason);
  }
});

test('a call that a hub may have made is not repeated by another', async (t) => {
  for (const [status, headers] of [
    [401, OF_PLATFORM],
    [503, OF_PLATFORM],
    [502, []],
    [500, []],
  ] as const) {
    const { hub, relayed } = await startRelay();
    await hub.http.at(0).answer(status, { errcode: -1 }, [...headers]);
    t.is((await relayed).kind, headers.length > 0 ? 'answer' : 'failed');
    t.is(hub.http.sendings.length, 1);
  }
});

test('a call that one hub rejected and the next one lost counts as lost', async (t) => {
  const { hub, relayed, clock } = await startRelay();
  await hub.http.at(0).problem(503, 'overloaded');
  clock.advance(70_000);
  t.like(await relayed, { kind: 'failed', reason: 'upstream_timeout' });
});
