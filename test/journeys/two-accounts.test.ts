import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { costOf, INFO, type Sidecar, startSidecar } from '../support/sidecar.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SHOP = { appid: 'wx0123456789abcdef', secret: 'cafecafecafecafecafecafecafecafe' };
const NEWS = { appid: 'wxfedcba9876543210', secret: 'babebabebabebabebabebabebabebabe' };

async function startBoth(t: ExecutionContext, more: string): Promise<[RunningSimulator, Sidecar]> {
  const platform = await startSimulator(t, { apps: [SHOP, NEWS] });
  const file = join(temporaryFolder(t), 'both.yaml');
  const apps = [SHOP, NEWS].map(({ appid, secret }) => `  - { appid: ${appid}, secret: ${secret} }\n`);
  writeFileSync(file, `apps:\n${apps.join('')}upstreams: [${platform.origin}]\n${more}`);
  const sidecar = await startSidecar(t, [], {
    args: ['--config', file],
    env: { WECHAT_APPID: '', WECHAT_APPSECRET: '', WECHAT_SIDECAR_UPSTREAMS: '' },
    secrets: [SHOP.secret, NEWS.secret],
  });
  await sidecar.untilLines('token refreshed', 2);
  platform.control.clear();
  return [platform, sidecar];
}

test.serial(
  'a call is made for the account that it names: by header, token, query, or the default',
  async (t) => {
    const [platform, sidecar] = await startBoth(t, `defaultApp: ${SHOP.appid}\n`);
    const standIn = await sidecar.standIn(NEWS.appid);
    const calls = [
      { path: INFO, appid: SHOP.appid },
      { path: INFO, headers: { 'X-WeChat-AppId': NEWS.appid }, appid: NEWS.appid },
      { path: `${INFO}&access_token=${standIn}`, appid: NEWS.appid },
      { path: `${INFO}&from_appid=${NEWS.appid}&b=1`, appid: NEWS.appid },
      {
        path: `${INFO}&access_token=${standIn}`,
        headers: { 'x-wechat-appid': SHOP.appid },
        appid: SHOP.appid,
      },
    ];
    for (const { path, appid, headers = {} } of calls) {
      platform.control.clear();
      const reply = await sidecar.call(path, { headers });
      t.true(String(reply.headers['x-wechat-sidecar']).includes(`app=${appid};`));
      const [arrival] = platform.control.arrivals();
      t.is(arrival?.appid, appid, path);
      t.notRegex(`${arrival?.url} ${arrival?.rawHeaders.join(' ')}`, /from_appid|x-wechat-appid|stand-in/i);
    }
    for (const headers of [{ 'x-wechat-appid': 'wx0000000000000000' }]) {
      const reply = await sidecar.call(INFO, { headers });
      t.deepEqual([reply.status, reply.headers['x-wechat-sidecar-error']], [200, 'unknown_app']);
    }
  },
);

test.serial(
  'without a default account, a call that names none is refused with a helpful message',
  async (t) => {
    const [platform, sidecar] = await startBoth(t, '');
    const reply = await sidecar.call(INFO);
    t.deepEqual([reply.status, reply.headers['x-wechat-sidecar-error']], [200, 'unknown_app']);
    t.regex(String(reply.json()['errmsg']), /x-wechat-appid.*WECHAT_SIDECAR_DEFAULT_APP/);
    t.is(platform.control.arrivals().length, 0);
  },
);

test.serial('the token of one account does not affect the other account', async (t) => {
  const [{ control }, sidecar] = await startBoth(t, `defaultApp: ${SHOP.appid}\n`);
  control.revoke({ appid: SHOP.appid });
  control.freeze({ appid: NEWS.appid });
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  const headers = { 'x-wechat-appid': NEWS.appid };
  t.is((await sidecar.call(INFO, { headers })).json()['openid'], 'oJourney01');
  t.is(costOf(control, NEWS.appid).all, 0);
  t.is(control.counters().apps[NEWS.appid]?.deadTokenCalls, 0);
});
