import { startEnsemble } from '../support/high-availability.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { costOf, MODES } from '../support/sidecar.ts';
import { setTimeout as pause } from 'node:timers/promises';

/** How long Redis hangs; for a longer manual run: WECHAT_HA_PAUSE_S=40. */
const PAUSE_MS = Number(process.env['WECHAT_HA_PAUSE_S'] ?? '3') * 1_000;

for (const mode of MODES) {
  // Redis is killed and restarted without its data. If the hubs took the empty store for "no token", they
  // would fetch, and invalidate a valid classic token. Instead they keep their token and publish it again, so
  // that a hub that restarts finds it; no call fails and nothing is fetched.
  serialRedisTest(`in mode ${mode}, an outage of Redis that loses its data fails no call`, async (t) => {
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
    // A hub that starts now finds it.
    await b.kill();
    await b.restart();
    t.is(await agreed(), before);
    await traffic.more(50);
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).all, 0);
  });

  // Somebody runs FLUSHALL on Redis. The hubs stay connected and get no error. They must notice that the
  // token is missing and publish it again, without a fetch and without a failed call.
  serialRedisTest(`in mode ${mode}, the token is published again after FLUSHALL`, async (t) => {
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

// Redis accepts commands but does not respond, and meanwhile the stable token is replaced by somebody else.
// Every call would fail for as long as Redis hangs. Both hubs must give up on Redis and fetch the same new
// token, without force and with at most four fetches in all.
serialRedisTest(
  'while Redis hangs, both hubs still replace a refused stable token, with the same result',
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

// Redis is down, and the platform withdraws the stable token, so that only a forced refresh helps; the
// platform allows 20 a day. The hubs cannot share a lease, but must heal all the same: at most one forced
// refresh each, which is recorded in Redis when it is back, so that the daily quota is kept.
serialRedisTest(
  'while Redis is down, a withdrawn stable token is replaced by force, within the daily quota',
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
    // Each hub may have forced once; the platform returns the token of the first to the second.
    t.true(costOf(control).forced <= 2);
    t.is(await agreed(before), control.apps()[0]?.tokens.stable?.fingerprint ?? 'none');
  },
);

// Redis is down, and both hubs get reports that the classic token is refused. Two hubs that fetch without a
// lease would invalidate each other's tokens again and again. So neither may fetch; both serve the token that
// they have, and one of them fetches once when Redis is back.
serialRedisTest('while Redis is down, a classic token is served but never fetched', async (t) => {
  const { control, redis, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'classic' });
  const before = await agreed();
  await redis.kill();
  for (const hub of [a, b])
    await until('it knows', async () => (await hub.account()).shared?.store === 'unavailable');
  control.break({ path: '/cgi-bin/get_api_domain_ip', fault: { kind: 'errcode', errcode: 40001 } });
  for (const hub of [a, b]) {
    hub.report(before, 40001);
    await hub.process.untilLine('token fetch blocked');
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
