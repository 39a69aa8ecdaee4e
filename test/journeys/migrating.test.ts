import test from 'ava';
import { ORDERS_KEY, startTestHub } from '../support/hub.ts';
import { PLAIN_CALL, startHubProxy } from '../support/hub-proxy.ts';
import { APPID, APPSECRET } from '../support/sidecar.ts';
import { ask, type Reply } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';

/** What docs/migrating.md promises: migrated programs and others can run side by side. */
test('a program that still fetches its own token and a migrated one do not disturb each other', async (t) => {
  const platform = await startSimulator(t);
  const own = await tokenFrom(`${platform.origin}/cgi-bin/token`, APPSECRET);
  const hub = await startTestHub(t, [platform.origin]);
  const sidecar = await startHubProxy(t, [platform.origin], [hub.base]);
  t.deepEqual(Object.keys(await sidecar.answer(PLAIN_CALL)), ['ip_list']);
  t.deepEqual(await keys(ask(`${platform.origin}${PLAIN_CALL}?access_token=${own}`)), ['ip_list']);

  platform.control.revoke({ mode: 'stable' });
  t.deepEqual(Object.keys(await sidecar.answer(PLAIN_CALL)), ['ip_list']);
  t.deepEqual(await keys(ask(`${platform.origin}${PLAIN_CALL}?access_token=${own}`)), ['ip_list']);
});

test('a program that calls stable_token gets the token of the hub', async (t) => {
  const platform = await startSimulator(t);
  const body = JSON.stringify({ grant_type: 'client_credential', appid: APPID, secret: APPSECRET });
  const own = await ask(`${platform.origin}/cgi-bin/stable_token`, { method: 'POST', body });
  const hub = await startTestHub(t, [platform.origin]);
  t.is(await tokenFrom(`${hub.base}/cgi-bin/token`, ORDERS_KEY), String(own.json()['access_token']));
});

test('a token that a job got from the hub is replaced and healed by a sidecar; its own token passes', async (t) => {
  const platform = await startSimulator(t);
  const own = await tokenFrom(`${platform.origin}/cgi-bin/token`, APPSECRET);
  const hub = await startTestHub(t, [platform.origin]);
  const sidecar = await startHubProxy(t, [platform.origin], [hub.base]);
  const inRedis = await tokenFrom(`${hub.base}/cgi-bin/token`, ORDERS_KEY);

  platform.control.revoke({});
  const healed = await ask(`${sidecar.base}${PLAIN_CALL}?access_token=${inRedis}`);
  t.regex(String(healed.headers['x-wechat-sidecar']), /; replay=1$/);
  t.deepEqual(Object.keys(healed.json()), ['ip_list']);
  const foreign = await ask(`${sidecar.base}${PLAIN_CALL}?access_token=${own}`);
  t.regex(String(foreign.headers['x-wechat-sidecar']), /; token=foreign$/);
  t.is(foreign.json()['errcode'], 40001);
});

test('with foreignTokens: replace, an old real token in a cache does no harm', async (t) => {
  const platform = await startSimulator(t);
  const own = await tokenFrom(`${platform.origin}/cgi-bin/token`, APPSECRET);
  const hub = await startTestHub(t, [platform.origin]);
  const env = { WECHAT_SIDECAR_FOREIGN_TOKENS: 'replace' };
  const sidecar = await startHubProxy(t, [platform.origin], [hub.base], { env });
  platform.control.revoke({ mode: 'classic' });
  t.deepEqual(await keys(ask(`${sidecar.base}${PLAIN_CALL}?access_token=${own}`)), ['ip_list']);
});

test('a stand-in in a shared cache is refused by WeChat, which is why the guide requires another prefix', async (t) => {
  const platform = await startSimulator(t);
  const hub = await startTestHub(t, [platform.origin]);
  const sidecar = await startHubProxy(t, [platform.origin], [hub.base]);
  const standIn = await tokenFrom(`${sidecar.base}/cgi-bin/token`, 'any text will do');
  const direct = await ask(`${platform.origin}${PLAIN_CALL}?access_token=${standIn}`);
  t.is(direct.json()['errcode'], 40001);
  t.deepEqual(await keys(ask(`${sidecar.base}${PLAIN_CALL}?access_token=${standIn}`)), ['ip_list']);
});

async function tokenFrom(url: string, secret: string): Promise<string> {
  const query = new URLSearchParams({ grant_type: 'client_credential', appid: APPID, secret });
  return String((await ask(`${url}?${query.toString()}`)).json()['access_token']);
}

async function keys(reply: Promise<Reply>): Promise<string[]> {
  return Object.keys((await reply).json());
}
