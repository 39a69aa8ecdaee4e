import { writeFileSync } from 'node:fs';
import { startEnsemble, doubtNextProbe } from '../support/high-availability.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { APPID, costOf, MODES } from '../support/sidecar.ts';

serialRedisTest(
  'a hub that is cut from Redis heals a stable token on its own, and both agree again',
  async (t) => {
    const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'stable' });
    const before = await agreed();
    a.redisGate?.cut();
    await until('it knows', async () => (await a.account()).shared?.store === 'unavailable');
    control.overwrite();
    await agreed(before);
    a.redisGate?.mend();
    await until('it knows', async () => (await a.account()).shared?.store === 'connected');
    await traffic.more(50);
    t.is(await agreed(before), control.apps()[0]?.tokens.stable?.fingerprint ?? 'none');
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).forced, 0);
    t.is((await b.account()).shared?.store, 'connected');
  },
);

serialRedisTest('a hub that is cut from Redis learns of a new classic token when it is back', async (t) => {
  const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode: 'classic' });
  const before = await agreed();
  a.redisGate?.cut();
  await until('it knows', async () => (await a.account()).shared?.store === 'unavailable');
  doubtNextProbe(control);
  b.report(before, 40001);
  await until('b refreshes', async () => (await b.account()).fingerprint !== before);
  t.is((await a.account()).fingerprint, before);
  a.redisGate?.mend();
  await agreed(before);
  t.is(costOf(control).fetches, 1);
  await traffic.more(50);
  t.deepEqual(traffic.failures, []);
});

for (const mode of MODES) {
  serialRedisTest(
    `in mode ${mode}, sidecars that are cut from one hub and then from all go on`,
    async (t) => {
      const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode });
      a.face.cut();
      await traffic.more(30);
      b.face.cut();
      await traffic.more(30);
      a.face.mend();
      b.face.mend();
      await traffic.more(30);
      const before = await agreed();
      if (mode === 'stable') control.overwrite();
      else doubtNextProbe(control);
      b.report(before, 40001);
      await agreed(before);
      await traffic.more(30);
      t.deepEqual(traffic.failures, []);
    },
  );

  serialRedisTest(`in mode ${mode}, everything behind the sidecars can be restarted at once`, async (t) => {
    const { control, redis, a, b, agreed, traffic } = await startEnsemble(t, { mode });
    await Promise.all([a.kill(), b.kill(), redis.kill()]);
    await traffic.more(30);
    await redis.restart();
    await Promise.all([a.restart(), b.restart()]);
    await agreed();
    await traffic.more(50);
    t.deepEqual(traffic.failures, []);
    // Nothing was remembered anywhere: one of the two asked.
    t.is(costOf(control).forced, 0);
    t.true(costOf(control).fetches <= 2);
  });

  serialRedisTest(`in mode ${mode}, an AppSecret can be changed in both hubs`, async (t) => {
    const { control, a, b, agreed, traffic, secretFile } = await startEnsemble(t, { mode });
    const before = await agreed();
    control.configure({ appid: APPID, secret: 'another-simulator-secret' });
    writeFileSync(secretFile, 'another-simulator-secret');
    for (const hub of [a, b]) hub.process.signal('SIGHUP');
    for (const hub of [a, b]) await hub.process.untilLine('The settings were read again');
    await traffic.more(30);
    await until('both have tried the new secret', () => costOf(control).fetches >= 1);
    await agreed();
    for (const hub of [a, b]) t.is((await hub.account()).lastFailure, undefined);
    // The new secret gives tokens.
    if (mode === 'stable') control.overwrite();
    else {
      doubtNextProbe(control);
      a.report(await agreed(), 40001);
    }
    await agreed(before);
    await traffic.more(30);
    t.deepEqual(traffic.failures, []);
    t.is(costOf(control).forced, 0);
  });
}
