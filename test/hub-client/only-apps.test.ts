import test from 'ava';
import { startHubProxy, until } from '../support/hub-proxy.ts';
import { startTestHub } from '../support/hub.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';

test('a proxy that is limited to one account of its hub uses that one, and knows no other', async (t) => {
  const other = { appid: 'wx2222222222222222', secret: 'another-secret-0123456789abcdef00' };
  const simulator = await startSimulator(t);
  simulator.control.configure(other);
  const hub = await startTestHub(t, [simulator.origin], {
    file: `apps: [{ appid: ${other.appid}, secret: ${other.secret} }]`,
  });
  const env = { WECHAT_SIDECAR_HUB_APPS: other.appid };
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { env });
  await until(() => proxy.status().defaultApp === other.appid);
  t.truthy((await proxy.answer())['ip_list']);
  const call = (appid: string): ReturnType<typeof ask> =>
    ask(`${proxy.base}/cgi-bin/getcallbackip`, { headers: { 'x-wechat-appid': appid } });
  t.is((await call(other.appid)).status, 200);
  t.is((await call(DEMO_APP.appid)).headers['x-wechat-sidecar-error'], 'unknown_app');
  const { accounts } = proxy.status();
  t.deepEqual(
    accounts.map(({ appid }) => appid),
    [other.appid],
  );
});
