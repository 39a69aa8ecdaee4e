import { startEnsemble, doubtNextProbe } from '../support/high-availability.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { costOf, MODES } from '../support/sidecar.ts';

const TOKEN_PATHS = { stable: '/cgi-bin/stable_token', classic: '/cgi-bin/token' } as const;

for (const mode of MODES) {
  // Two hubs start at the same time. If both fetched, the second classic token would invalidate the first.
  // They must share one lease: one fetch in all, and both serve its token.
  serialRedisTest(`in mode ${mode}, two hubs that start together fetch one token`, async (t) => {
    const { control, agreed, traffic, a, b } = await startEnsemble(t, { mode });
    t.is(await agreed(), control.apps()[0]?.tokens[mode]?.fingerprint ?? 'none');
    await traffic.more(50);
    const [one, other] = [await a.account(), await b.account()];
    t.is(one.fetchesLastDay + other.fetchesLastDay, 1);
    t.is(one.shared?.generation, other.shared?.generation);
    t.deepEqual(traffic.failures, []);
  });
}

// The hub that holds the lease is killed during its fetch, so the platform has issued a token that nobody
// knows, and the current one lives only for the overlap. Users would see 40001 when it ends. The other hub
// must wait for the lease to expire, fetch once, and have the new token in time; no call fails and nothing is
// forced.
serialRedisTest('if a hub is killed during a fetch, the other takes over and no call fails', async (t) => {
  const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'classic' });
  const before = await agreed();
  control.delay({ path: TOKEN_PATHS.classic, ms: 3_000 });
  doubtNextProbe(control);
  a.report(before, 40001);
  await control.arrived({ path: TOKEN_PATHS.classic });
  t.is((await a.account()).shared?.refreshing, 'here');
  await a.kill();
  // The platform has issued the token, but nobody received it.
  control.overwrite({ mode: 'classic', graceMs: 60_000 });
  // A sidecar reports to the other hub, which waits until the lease of the dead one expires.
  doubtNextProbe(control);
  b.report(before, 40001);
  await until('b waits', async () => (await b.account()).shared?.refreshing === 'elsewhere');
  await until('b takes over', async () => (await b.account()).fingerprint !== before);
  control.heal();
  await a.restart();
  await agreed(before);
  await traffic.more(50);
  t.is(costOf(control).fetches, 1);
  t.is(costOf(control).forced, 0);
  t.deepEqual(traffic.failures, []);
});

// The stable token is replaced by somebody else, and the hub that is fetching the new one is killed. Every
// call gets 40001 from the platform meanwhile. The other hub must take over while the sidecars still hold
// these calls, so that their callers see a slow response, not an error.
serialRedisTest(
  'if a hub dies while it replaces a refused token, the other one heals the waiting calls in time',
  async (t) => {
    const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'stable' });
    const before = await agreed();
    control.delay({ path: TOKEN_PATHS.stable, ms: 400 });
    control.overwrite();
    await control.arrived({ path: TOKEN_PATHS.stable });
    const isA = (await a.account()).shared?.refreshing === 'here';
    await (isA ? a : b).kill();
    // Its request is under way, and the next one needs no delay.
    control.heal({ path: TOKEN_PATHS.stable });
    await until(
      'the other has the new token',
      async () => (await (isA ? b : a).account()).fingerprint !== before,
    );
    control.heal();
    await (isA ? a : b).restart();
    await agreed(before);
    await traffic.more(50);
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).forced, 0);
  },
);

for (const mode of MODES) {
  // One hub after the other is killed or stopped and restarted, as in a rolling update. The sidecars must use
  // the other hub, and a restarted hub must find the token in Redis: no failed call, and no call to the token
  // endpoint.
  serialRedisTest(`in mode ${mode}, killing the hubs one after the other fails no call`, async (t) => {
    const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode });
    for (const hub of [a, b, a, b]) {
      await hub.kill(hub === a ? 'SIGKILL' : 'SIGTERM');
      await traffic.more(20);
      await hub.restart();
      await agreed();
    }
    t.deepEqual(traffic.failures, []);
    // A restarted hub finds the token in Redis.
    t.is(costOf(control).all, 0);
  });
}
