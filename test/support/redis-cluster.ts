import { execFileSync } from 'node:child_process';
import { freePort } from './free-port.ts';
import { RedisServer, until } from './redis.ts';
import type { Teardown } from './simulator.ts';

/** Three masters that share the slots. One that dies takes its slots with it, and no others. */
export async function startCluster(t: Teardown): Promise<readonly [RedisServer, RedisServer, RedisServer]> {
  const node = async (): Promise<RedisServer> => {
    // The bus has a port of its own, ten thousand higher unless it is told.
    const bus = ['--cluster-port', String(await freePort()), '--cluster-node-timeout', '4000'];
    return RedisServer.start(t, {
      args: ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no', ...bus],
    });
  };
  const nodes = [await node(), await node(), await node()] as const;
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
  await until('the nodes agree', async () => {
    const states = await Promise.all(nodes.map(({ client }) => client.cluster('INFO')));
    return states.every((state) => state.includes('cluster_state:ok'));
  });
  return nodes;
}
