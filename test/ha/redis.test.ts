import { startEnsemble } from '../support/high-availability.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { costOf, MODES } from '../support/sidecar.ts';
import { setTimeout as pause } from 'node:timers/promises';

/** How long Redis hangs; longer by hand: WECHAT_HA_PAUSE_S=40. */
const PAUSE_MS = Number(process.env['WECHAT_HA_PAUSE_S'] ?? '3') * 1_000;

for (const mode of MODES) {
  serialRedisTest(`in mode ${mode}, a Redis that is gone and comes back empty is not noticed`, async (t) => {
    const { control, redis, a, b, agreed, traffic } = await startEnsemble(t, { mode });
    const before = await agreed();
    await redis.kill();
    for (const hub of [a, b])
      await until('it knows', async () => (await hub.account()).shared?.store === 'unavailable');
    await traffic.more(50);
    await redis.restart();
    for (const hub of [a, b])
      await until('it knows', async () => (await hub.account()).shared?.store === 'connected');
    await until(
      'the token is published again',
      async () => (await redis.client.keys('*:token')).length === 1,
    );
    // Whoever starts now finds it.
    await b.kill();
    await b.restart();
    t.is(await agreed(), before);
    await traffic.more(50);
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).all, 0);
  });

  serialRedisTest(`in mode ${mode}, a Redis that is wiped is told again`, async (t) => {
    const { control, redis, agreed, traffic } = await startEnsemble(t, { mode });
    const before = await agreed();
    await redis.client.flushall();
    await until(
      'the token is published again',
      async () => (await redis.client.keys('*:token')).length === 1,
    );
    t.is(await agreed(), before);
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).all, 0);
  });
}

serialRedisTest(
  'while Redis hangs, a refused stable token is healed all the same, by both hubs alike',
  async (t) => {
    const { control, redis, agreed, traffic } = await startEnsemble(t, { mode: 'stable' });
    const before = await agreed();
    redis.pause();
    await pause(PAUSE_MS / 2);
    control.overwrite();
    await agreed(before);
    await pause(PAUSE_MS / 2);
    redis.resume();
    await traffic.more(50);
    t.is(await agreed(before), control.apps()[0]?.tokens.stable?.fingerprint ?? 'none');
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).forced, 0);
    t.true(costOf(control).fetches <= 4);
  },
);

serialRedisTest(
  'while Redis is away, a stable token that the platform withdrew is forced, and the ration is kept',
  async (t) => {
    const { control, redis, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'stable' });
    const before = await agreed();
    await redis.kill();
    for (const hub of [a, b])
      await until('it knows', async () => (await hub.account()).shared?.store === 'unavailable');
    control.revoke();
    await agreed(before);
    await redis.restart();
    await until('the ledger is known', async () => (await redis.client.keys('*:forced')).length === 1);
    await traffic.more(50);
    t.deepEqual(traffic.failures, []);
    // Each hub may have forced once; the platform answers the second with the token of the first.
    t.true(costOf(control).forced <= 2);
    t.is(await agreed(before), control.apps()[0]?.tokens.stable?.fingerprint ?? 'none');
  },
);

serialRedisTest('while Redis is away, a classic token is served, and never fetched', async (t) => {
  const { control, redis, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'classic' });
  const before = await agreed();
  await redis.kill();
  for (const hub of [a, b])
    await until('it knows', async () => (await hub.account()).shared?.store === 'unavailable');
  control.break({ path: '/cgi-bin/get_api_domain_ip', fault: { kind: 'errcode', errcode: 40001 } });
  for (const hub of [a, b]) {
    hub.report(before, 40001);
    await hub.process.untilLine('token fetch withheld');
    t.like(await hub.account(), { shared: { refreshing: 'withheld' } });
  }
  await traffic.more(50);
  t.is(costOf(control).fetches, 0);
  t.deepEqual(traffic.failures, []);
  await redis.restart();
  await until('it is made up for', async () => costOf(control).fetches > 0);
  control.heal();
  await agreed(before);
  t.is(costOf(control).fetches, 1);
  t.deepEqual(traffic.failures, []);
});
