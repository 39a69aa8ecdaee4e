import { copyFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../support/hub.ts';
import { fakeJwt } from '../support/hub-credentials.ts';
import { openWatch } from '../support/hub-watch.ts';
import type { RoleProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary.ts';
import {
  limitOfManifest,
  startPlatform,
  startReviews,
  startWithin,
  withstand,
  type Target,
} from './arena.ts';
import { call, probe } from './honest.ts';

const ATTACK_MS = 20_000;
const APPID = 'wx0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';
const [GREEDY_KEY, HONEST_KEY] = ['greedy-key-0123456789abcdef', 'honest-key-0123456789abcdef'];
const AUDIENCE = 'wechat-sidecar-hub';
const ORDERS = 'system:serviceaccount:shop:orders';
const IN_AN_HOUR_S = Math.round(Date.now() / 1_000) + 3_600;

test('under attack from strangers, the hub keeps serving its known callers within the memory limit of its manifest', async (t) => {
  t.timeout(150_000);
  const platform = await startPlatform(t);
  const { role, limitBytes } = await start(t, platform);
  const token = `${role.base}/v1/apps/${APPID}/token`;
  let pods = 0;
  // Sidecars keep their connections; pods that are new, and probes, have none yet.
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  await withstand(t, {
    target: { role, limitBytes },
    forMs: ATTACK_MS,
    appid: APPID,
    key: GREEDY_KEY,
    claims: { sub: ORDERS, aud: AUDIENCE, expUnixS: IN_AN_HOUR_S },
    addresses: ['127.0.0.2', '127.0.0.3'],
    attacks: [
      'silent',
      'halfHeads',
      'tinyHeaders',
      'slowBytes',
      'bigHeads',
      'pipelines',
      'junkKeys',
      'junkTokens',
      'halfBodies',
      'strangers',
      'relays',
      'watchers',
      'unreadPages',
      'adminSilent',
      'adminHalfHeads',
      'adminPages',
    ],
    honest: {
      async token() {
        t.is((await call(token, { ...bearer(HONEST_KEY), agent })).status, 200);
      },
      async report() {
        const body = JSON.stringify({ fingerprint: '0123456789abcdef', errcode: 42001 });
        const asked = { ...bearer(HONEST_KEY), agent, method: 'POST', body };
        t.is((await call(`${token}/refresh`, asked)).status, 200);
      },
      async watch() {
        const watch = await openWatch(role.base, HONEST_KEY);
        await watch.untilEvents(1);
        watch.close();
      },
      async 'token in the shape of the platform'() {
        const body = JSON.stringify({ grant_type: 'client_credential', appid: APPID, secret: HONEST_KEY });
        const { text } = await call(`${role.base}/cgi-bin/stable_token`, { method: 'POST', body, agent });
        t.regex(text, /"access_token":"/);
      },
      async 'first review of a service account'() {
        pods += 1;
        t.is((await call(token, bearer(podToken(`honest ${pods}`)))).status, 200);
      },
      probe: () => probe(t, role),
    },
  });
});

function bearer(credential: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' } };
}

function podToken(salt: string): string {
  return fakeJwt({ sub: ORDERS, aud: [AUDIENCE], expUnixS: IN_AN_HOUR_S, salt });
}

async function start(
  t: ExecutionContext,
  platform: string,
): Promise<Target & { readonly role: RoleProcess }> {
  const access = await startReviews(t, ORDERS, AUDIENCE);
  const folder = temporaryFolder(t);
  copyFileSync(access.tokenFile, join(folder, 'token'));
  copyFileSync(access.caFile, join(folder, 'ca.crt'));
  const file = join(folder, 'settings.yaml');
  const client = (name: string, key: string): string =>
    `  - { name: ${name}, keySha256: ${sha256(key)}, apps: ['*'] }\n`;
  writeFileSync(
    file,
    `clients:\n${client('greedy', GREEDY_KEY)}${client('honest', HONEST_KEY)}` +
      `kubernetes:\n  allow: [{ namespace: shop, serviceAccount: orders, apps: ['*'] }]\n`,
  );
  const { hostname, port } = new URL(access.server);
  return startWithin(t, 'hub', limitOfManifest('k8s/base/hub.yaml'), {
    nodeOptions: ['--import', new URL('service-account.js', import.meta.url).href],
    secrets: [SECRET, GREEDY_KEY, HONEST_KEY],
    env: {
      WECHAT_SIDECAR_CONFIG: file,
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: SECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform,
      TEST_SERVICE_ACCOUNT: folder,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
    },
  });
}
