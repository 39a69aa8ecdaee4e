import { startEnsemble, doubtNextProbe } from '../support/high-availability.ts';
import { startSentinelSet } from '../support/redis-sentinel.ts';
import { serialRedisTest, until } from '../support/redis.ts';
import { costOf, MODES } from '../support/sidecar.ts';

for (const mode of MODES) {
  // The Redis master is killed, and Sentinel promotes the replica. If a hub did not follow, it would lose the
  // lease and the token at its next restart. Both hubs must connect to the new master, find the token there
  // without a fetch, and be able to replace it later; no call fails.
  serialRedisTest(
    `in mode ${mode}, the hubs follow a Redis failover, and no new token is fetched`,
    async (t) => {
      const { master, replica, sentinelPort } = await startSentinelSet(t);
      const store = `{ url: 'redis://tokens/0', sentinels: ['127.0.0.1:${sentinelPort}'] }`;
      const { control, a, b, agreed, traffic } = await startEnsemble(t, { mode, store });
      const before = await agreed();
      const key = `wechat-sidecar:{${mode}:wx000000000000de30}:token`;
      await until('it is replicated', async () => (await replica.client.exists(key)) === 1);
      await master.kill();
      await traffic.more(30);
      for (const hub of [a, b]) {
        await until('it is there again', async () => {
          const isWarned = hub.process.lines('token store is unavailable').length > 0;
          return isWarned && (await hub.account()).shared?.store === 'connected';
        });
      }
      await a.kill();
      await a.restart();
      t.is(await agreed(), before);
      t.is(costOf(control).all, 0);
      // Leases work on the new master.
      if (mode === 'stable') control.overwrite();
      else {
        doubtNextProbe(control);
        b.report(before, 40001);
      }
      await agreed(before);
      await traffic.more(30);
      t.deepEqual(traffic.failures, []);
      t.is(costOf(control).forced, 0);
    },
  );
}
