import { writeFileSync } from 'node:fs';
import { startEnsemble, doubtNextProbe } from '../support/high-availability.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { APPID, costOf, MODES } from '../support/sidecar.ts';

// Hub A loses Redis, then somebody else replaces the stable token on the platform. Authenticator would get 40001
// from hub A until Redis is back. Instead each hub fetches the new token on its own, without force, because
// the stable endpoint returns the same token to both; after the reconnect they agree and no call has failed.
serialRedisTest(
  'a hub that is cut off from Redis still heals a stable token, and both hubs agree afterwards',
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

// Hub A loses Redis, and hub B has to replace the classic token. If hub A fetched too, it would invalidate
// the token of B. So hub A must keep serving the old one, which is valid during the overlap, and take over
// B's token when Redis is back: one fetch in all, no failed call.
serialRedisTest('a hub that lost Redis takes over the new classic token on reconnect', async (t) => {
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
  // The sidecars lose one hub, then both, and get them back; then the token is replaced. Users would see
  // errors if a sidecar needed a hub for every call. Instead it uses the other hub, then the token that it
  // has, and gets the new token after the reconnect; no call fails.
  serialRedisTest(
    `in mode ${mode}, sidecars that lose one hub and then both continue to serve`,
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

  // Both hubs and Redis are killed at once and restarted empty, as in a power cut. Calls continue with the
  // token that the sidecars have; the hubs fetch at most once each, never by force, and agree again.
  serialRedisTest(`in mode ${mode}, both hubs and Redis can be restarted at once`, async (t) => {
    const { control, redis, a, b, agreed, traffic } = await startEnsemble(t, { mode });
    await Promise.all([a.kill(), b.kill(), redis.kill()]);
    await traffic.more(30);
    await redis.restart();
    await Promise.all([a.restart(), b.restart()]);
    await agreed();
    await traffic.more(50);
    t.deepEqual(traffic.failures, []);
    // No token was stored anywhere, so one of the hubs had to fetch.
    t.is(costOf(control).forced, 0);
    t.true(costOf(control).fetches <= 2);
  });

  // The AppSecret is reset on the platform and then in the file of both hubs. Users would see an outage at
  // the next fetch if a hub kept the old secret. Both hubs must try the new one on reload, and fetch with it
  // later; no call fails and nothing is forced.
  serialRedisTest(`in mode ${mode}, the AppSecret of both hubs can be changed at runtime`, async (t) => {
    const { control, a, b, agreed, traffic, secretFile } = await startEnsemble(t, { mode });
    const before = await agreed();
    control.configure({ appid: APPID, secret: 'another-simulator-secret' });
    writeFileSync(secretFile, 'another-simulator-secret');
    for (const hub of [a, b]) hub.process.signal('SIGHUP');
    for (const hub of [a, b]) await hub.process.untilLine('settings reloaded');
    await traffic.more(30);
    await until('both have tried the new secret', () => costOf(control).fetches >= 1);
    await agreed();
    for (const hub of [a, b]) t.is((await hub.account()).lastFailure, undefined);
    // Tokens can be fetched with the new secret.
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
