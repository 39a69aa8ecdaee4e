import { freePort } from './free-port.ts';
import { RedisServer, until } from './redis.ts';
import type { Teardown } from './simulator.ts';

export interface SentinelSet {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinelPort: number;
}

/** A master, a replica that follows it, and one Sentinel that knows both as the group `tokens`. */
export async function startSentinelSet(t: Teardown): Promise<SentinelSet> {
  const master = await RedisServer.start(t);
  const replica = await RedisServer.start(t, {
    args: ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0'],
  });
  const sentinelPort = await freePort();
  const sentinel = await RedisServer.start(t, {
    port: sentinelPort,
    sentinel: [
      `port ${sentinelPort}`,
      'bind 127.0.0.1',
      `sentinel monitor tokens 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds tokens 2500',
      'sentinel failover-timeout tokens 5000',
    ],
  });
  await until('the replica is known', async () => {
    const reply = await sentinel.client.call('SENTINEL', 'replicas', 'tokens');
    return JSON.stringify(reply).includes(String(replica.port));
  });
  await until('the replica follows', async () =>
    (await replica.client.info('replication')).includes('master_link_status:up'),
  );
  return { master, replica, sentinelPort };
}
