import { startEnsemble, doubtNextProbe } from '../support/high-availability.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { costOf, MODES } from '../support/sidecar.ts';

const TOKEN_PATHS = { stable: '/cgi-bin/stable_token', classic: '/cgi-bin/token' } as const;

for (const mode of MODES) {
  serialRedisTest(`in mode ${mode}, two hubs that start get one token together`, async (t) => {
    const { control, agreed, traffic, a, b } = await startEnsemble(t, { mode });
    t.is(await agreed(), control.apps()[0]?.tokens[mode]?.fingerprint ?? 'none');
    await traffic.more(50);
    const [one, other] = [await a.account(), await b.account()];
    t.is(one.fetchesLastDay + other.fetchesLastDay, 1);
    t.is(one.shared?.generation, other.shared?.generation);
    t.deepEqual(traffic.failures, []);
  });
}

serialRedisTest('when the hub that refreshes is killed in its fetch, business does not notice', async (t) => {
  const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'classic' });
  const before = await agreed();
  control.delay({ path: TOKEN_PATHS.classic, ms: 1_500 });
  doubtNextProbe(control);
  a.report(before, 40001);
  await control.arrived({ path: TOKEN_PATHS.classic });
  t.is((await a.account()).shared?.refreshing, 'here');
  await a.kill();
  // The platform had made the token all the same, which nobody knows.
  control.overwrite({ mode: 'classic', graceMs: 20_000 });
  // Somebody tells the other, and it waits for the turn of the dead to end.
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

serialRedisTest(
  'when the token is refused while the hub that refreshes dies, the other heals it in time',
  async (t) => {
    const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'stable' });
    const before = await agreed();
    control.delay({ path: TOKEN_PATHS.stable, ms: 400 });
    control.overwrite();
    await control.arrived({ path: TOKEN_PATHS.stable });
    const isA = (await a.account()).shared?.refreshing === 'here';
    await (isA ? a : b).kill();
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
  serialRedisTest(`in mode ${mode}, hubs that are killed in turn are not missed`, async (t) => {
    const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode });
    for (const hub of [a, b, a, b]) {
      await hub.kill(hub === a ? 'SIGKILL' : 'SIGTERM');
      await traffic.more(20);
      await hub.restart();
      await agreed();
    }
    t.deepEqual(traffic.failures, []);
    // Whoever starts finds the token in Redis.
    t.is(costOf(control).all, 0);
  });
}
