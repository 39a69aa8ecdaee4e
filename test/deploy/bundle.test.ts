import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type RoleProcess, startRole } from '../support/process.ts';
import { RedisServer, redisTest } from '../support/redis.ts';
import { APPID, APPSECRET } from '../support/sidecar.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

// Nearly all tests run the compiled sources. What a bundle could break is where libraries are loaded late, and where
// they come in as something else.
const program = 'dist/cli.js';
const KEY = 'client-key-of-this-test-0123456789abcdef';

test('the built program reads a settings file, and passes on a call with a foreign token', async (t) => {
  const platform = await startSimulator(t);
  const config = join(temporaryFolder(t), 'settings.yaml');
  writeFileSync(config, `apps:\n  - appid: ${APPID}\n    secret: ${APPSECRET}\n`, { mode: 0o600 });
  const env = { WECHAT_SIDECAR_UPSTREAMS: platform.origin };
  const sidecar = await startRole(t, 'proxy', { program, env, args: ['--config', config] });
  const managed = await ask(`${sidecar.base}/cgi-bin/getcallbackip`);
  t.is(managed.json()['errcode'] ?? 0, 0);
  const passed = await ask(`${sidecar.base}/sns/userinfo?access_token=a-token-of-a-user&openid=o1`);
  t.is(passed.json()['errcode'], 40001);
  t.is(sidecar.stderr(), '', 'no warning of a deprecation');
});

redisTest('the built hub keeps its token in Redis', async (t) => {
  const platform = await startSimulator(t);
  const redis = await RedisServer.start(t);
  const key = join(temporaryFolder(t), 'key');
  writeFileSync(key, KEY, { mode: 0o600 });
  const env = {
    WECHAT_APPID: APPID,
    WECHAT_APPSECRET: APPSECRET,
    WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    WECHAT_SIDECAR_STORE: `${redis.url()}/0`,
    WECHAT_HUB_CLIENT_KEY_FILE: key,
  };
  const fingerprint = async (hub: RoleProcess): Promise<unknown> => {
    const headers = { authorization: `Bearer ${KEY}` };
    return (await ask(`${hub.base}/v1/apps/${APPID}/token`, { headers })).json()['fingerprint'];
  };
  const [one, other] = [
    await startRole(t, 'hub', { program, env, secrets: [KEY] }),
    await startRole(t, 'hub', { program, env, secrets: [KEY] }),
  ];
  const kept = await fingerprint(one);
  t.regex(String(kept), /./);
  t.is(await fingerprint(other), kept);
});

test('pages of the built program have the media types that those of the sources have', async (t) => {
  const pages = ['/__sim/', '/__sim/apps', '/cgi-bin/nothing'];
  const adminPages = ['/', '/metrics', '/status', '/livez', '/nothing'];
  const typesOf = async (simulator: RoleProcess): Promise<(string | null)[]> => {
    const urls = [
      ...pages.map((page) => simulator.base + page),
      ...adminPages.map((page) => simulator.admin + page),
    ];
    return Promise.all(urls.map(async (url) => (await fetch(url)).headers.get('content-type')));
  };
  const expected = await typesOf(await startRole(t, 'simulator'));
  t.true(expected.includes('text/plain; charset=utf-8'));
  t.true(expected.some((type) => type?.startsWith('application/json') === true));
  t.deepEqual(await typesOf(await startRole(t, 'simulator', { program })), expected);
});

test('what a sidecar loads is in a few files', (t) => {
  const loaded = new Set<string>();
  const load = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    const code = readFileSync(join('dist', name), 'utf8');
    for (const [, next = ''] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) load(next);
  };
  for (const name of readdirSync('dist')) if (/^(?:cli|(?:serve|proxy)-\w+)\.js$/.test(name)) load(name);
  t.true(loaded.size > 3);
  // A module that is imported late, and not in the list of scripts/build.mjs, would split the rest.
  t.true(loaded.size <= 16, [...loaded].join(' '));
});
