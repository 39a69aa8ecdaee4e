import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRole } from '../support/process.ts';
import { serialRedisTest, RedisServer, until } from '../support/redis.ts';
import { APPID, APPSECRET } from '../support/sidecar.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

const KEY = 'client-key-of-this-test-0123456789abcdef';

serialRedisTest('a hub takes the new password of its Redis from a file, and keeps its token', async (t) => {
  const platform = await startSimulator(t);
  const redis = await RedisServer.start(t, {
    args: ['--requirepass', 'first-pass'],
    userInfo: ':first-pass',
  });
  const folder = temporaryFolder(t);
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    return path;
  };
  const passwordFile = put('password', 'first-pass\n');
  const hub = await startRole(t, 'hub', {
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
      WECHAT_HUB_CLIENT_KEY_FILE: put('key', KEY),
      WECHAT_SIDECAR_STORE: `${redis.url()}/3`,
      WECHAT_SIDECAR_STORE_PASSWORD_FILE: passwordFile,
    },
    secrets: ['first-pass', 'second-pass', KEY],
  });
  const fingerprint = async (): Promise<unknown> => {
    const headers = { authorization: `Bearer ${KEY}` };
    return (await ask(`${hub.base}/v1/apps/${APPID}/token`, { headers })).json()['fingerprint'];
  };
  const store = async (): Promise<unknown> => {
    const { accounts } = (
      (await ask(`${hub.admin}/status`)).json() as { hub: { accounts: { shared?: { store: string } }[] } }
    ).hub;
    return accounts[0]?.shared?.store;
  };
  await until('the store is used', async () => (await store()) === 'connected');
  const before = await fingerprint();
  await redis.client.config('SET', 'requirepass', 'second-pass');
  put('password', 'second-pass\n');
  await hub.untilLine('token store settings applied');
  t.deepEqual(hub.lines('changed settings need a restart to take effect'), []);
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await hub.untilLine('token store is unavailable');
  await until('the store is used again', async () => (await store()) === 'connected');
  t.is(await fingerprint(), before);
  t.is(platform.control.counters().apps[APPID]?.forcedFetches, 0);
  t.deepEqual(hub.lines('token store cannot be used'), []);

  // A wrong one is rejected with a message, and nothing changes.
  put('password', 'third-pass\n');
  const line = await hub.untilLine('new token store settings rejected; the old ones stay in force');
  t.is(line['reason'], 'WRONGPASS');
  t.is(await store(), 'connected');
});
