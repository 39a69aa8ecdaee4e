import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ask } from '../support/simulator-client.ts';
import { defaultOf } from '../support/settings-source.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bytesOf, startPlatform, startWithin, withstand } from './arena.ts';
import { call, probe } from './honest.ts';

const ATTACK_MS = 20_000;
const APPID = 'wx0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';

test('under attack by a program in its pod, the sidecar keeps serving another one within the memory limit that the injector sets', async (t) => {
  t.timeout(150_000);
  const folder = temporaryFolder(t);
  const platform = await startPlatform(t);
  const target = await startWithin(t, 'proxy', bytesOf(defaultOf('injector.memoryLimit')), {
    secrets: [SECRET],
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: SECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform,
      WECHAT_SIDECAR_TRANSPARENT_LISTEN: '127.0.0.1:0',
      WECHAT_SIDECAR_TRANSPARENT_TRUST_FOLDER: join(folder, 'trust'),
      WECHAT_SIDECAR_TRANSPARENT_KEY_FOLDER: join(folder, 'key'),
    },
  });
  const { role } = target;
  const [, transparent] = (await role.untilLine('serving'))['listen'] as string[];
  const tls = {
    port: Number(transparent?.split(':').at(-1)),
    caFile: join(folder, 'trust', 'wechat.pem'),
  };
  const ca = readFileSync(tls.caFile, 'utf8');
  await withstand(t, {
    target,
    forMs: ATTACK_MS,
    addresses: ['127.0.0.1'],
    tls,
    attacks: [
      'silent',
      'halfHeads',
      'tinyHeaders',
      'slowBytes',
      'bigHeads',
      'pipelines',
      'uploads',
      'downloads',
      'hanging',
      'tlsSilent',
      'tlsHalfHellos',
      'tlsHalfHeads',
      'adminSilent',
      'adminHalfHeads',
      'adminPages',
    ],
    honest: {
      async 'business call'() {
        const { status, text } = await call(`${role.base}/cgi-bin/user/info?openid=o1`);
        t.is(status, 200);
        t.regex(text, /"errcode":0/);
      },
      async 'call with a body'() {
        const asked = { method: 'POST', body: JSON.stringify({ touser: 'o1' }) };
        t.regex((await call(`${role.base}/cgi-bin/message/custom/send`, asked)).text, /"errcode":0/);
      },
      async 'call by the name of the API'() {
        const headers = { host: 'api.weixin.qq.com' };
        const reply = await ask(`https://127.0.0.1:${tls.port}/cgi-bin/user/info?openid=o1`, { ca, headers });
        t.is(reply.json()['errcode'], 0);
      },
      async token() {
        const { text } = await call(`${role.base}/cgi-bin/token?grant_type=client_credential&appid=${APPID}`);
        t.regex(text, /"access_token":"/);
      },
      probe: () => probe(t, role),
    },
  });
});
