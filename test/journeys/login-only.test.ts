import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RoleProcess, runCommand } from '../support/process.ts';
import { APPID, APPSECRET, costOf, INFO, Sidecar } from '../support/sidecar.ts';
import { ask } from '../support/simulator-client.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

const OTHER = { appid: 'wx00000000000000aa', secret: 'fedcba9876543210fedcba9876543210' };
const LOGIN = '/sns/jscode2session?js_code=x&grant_type=authorization_code';
const KEY = 'client-key-0123456789abcdef';

/** The demo account is for login only; another one has tokens. */
function settingsFile(t: ExecutionContext): string {
  const file = join(temporaryFolder(t), 'settings.yaml');
  writeFileSync(
    file,
    `apps:\n  - { appid: ${APPID}, secret: ${APPSECRET}, mode: login }\n  - { appid: ${OTHER.appid}, secret: ${OTHER.secret} }\n`,
    { mode: 0o600 },
  );
  return file;
}

async function startPlatform(t: ExecutionContext): Promise<RunningSimulator> {
  const platform = await startSimulator(t);
  platform.control.configure(OTHER);
  platform.control.clear();
  return platform;
}

async function holdsFor(t: ExecutionContext, sidecar: Sidecar, platform: RunningSimulator): Promise<void> {
  const login = await sidecar.call(LOGIN);
  t.is(login.headers['x-wechat-sidecar-error'], undefined);
  t.truthy(login.json()['openid'] ?? login.json()['session_key']);
  const needsToken = await sidecar.call(INFO);
  t.is(needsToken.headers['x-wechat-sidecar-error'], 'token_unavailable');
  t.is(needsToken.json()['errcode'], -1);
  t.regex(String(needsToken.json()['errmsg']), /only logs people in \(mode login\)/);
  const ticket = await sidecar.call('/cgi-bin/ticket/getticket?type=jsapi');
  t.is(ticket.headers['x-wechat-sidecar-error'], 'token_unavailable');
  for (const [path, body] of [
    [`/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=x`, undefined],
    ['/cgi-bin/stable_token', { grant_type: 'client_credential', appid: APPID, secret: 'x' }],
  ] as const) {
    const token = await sidecar.call(path, body === undefined ? {} : { body });
    t.is(token.json()['errcode'], 40013, path);
    t.regex(String(token.json()['errmsg']), /mode login/);
  }
  const other = { headers: { 'x-wechat-appid': OTHER.appid } };
  t.is((await sidecar.call(INFO, other)).json()['openid'], 'oJourney01');
  t.is(costOf(platform.control).all, 0, 'no token of the account was ever fetched');
}

test('an account with mode login logs users in, and is ready without a token', async (t) => {
  const platform = await startPlatform(t);
  const file = settingsFile(t);
  const env = {
    WECHAT_SIDECAR_CONFIG: file,
    WECHAT_SIDECAR_DEFAULT_APP: APPID,
    WECHAT_SIDECAR_UPSTREAMS: platform.origin,
  };
  const secrets = [OTHER.secret];
  const sidecar = await new Sidecar(t, 'proxy', { env, secrets }).untilServing();
  await sidecar.untilReady();
  await holdsFor(t, sidecar, platform);
  t.regex(await sidecar.page('status'), /"mode": "login"/);
  const checked = await runCommand(t, 'check', { env, secrets });
  t.is(checked.code, 0, checked.stdout);
  t.regex(checked.stdout, new RegExp(`${APPID}: only logs people in \\(mode login\\)`));
  t.is(costOf(platform.control).all, 0);

  // The mode changes at runtime.
  writeFileSync(file, `apps:\n  - { appid: ${APPID}, secret: ${APPSECRET}, mode: stable }\n`, {
    mode: 0o600,
  });
  await sidecar.untilLine('settings reloaded');
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is(
    await sidecar.errcode(`/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=x`),
    undefined,
  );
});

test('a hub logs users in with such an account, and returns no token for it', async (t) => {
  const platform = await startPlatform(t);
  const keyFile = join(temporaryFolder(t), 'key');
  writeFileSync(keyFile, KEY, { mode: 0o600 });
  t.teardown(() => rmSync(keyFile, { force: true }));
  const secrets = [OTHER.secret, KEY];
  const hub = await new RoleProcess(t, 'hub', {
    env: {
      WECHAT_SIDECAR_CONFIG: settingsFile(t),
      WECHAT_HUB_CLIENT_KEY_FILE: keyFile,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    },
    secrets,
  }).untilServing();
  while ((await ask(`${hub.admin}/readyz`)).status !== 200);
  const sidecar = await new Sidecar(t, 'proxy', {
    env: {
      WECHAT_SIDECAR_HUB_URL: hub.base,
      WECHAT_SIDECAR_HUB_TOKEN_FILE: keyFile,
      WECHAT_SIDECAR_DEFAULT_APP: APPID,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    },
    secrets,
  }).untilServing();
  await sidecar.untilReady();
  await holdsFor(t, sidecar, platform);

  const headers = { authorization: `Bearer ${KEY}` };
  const apps = (await ask(`${hub.base}/v1/apps`, { headers })).json()['apps'];
  t.like(apps, [
    { appid: APPID, mode: 'login' },
    { appid: OTHER.appid, mode: 'stable' },
  ]);
  const token = await ask(`${hub.base}/v1/apps/${APPID}/token`, { headers });
  t.is(token.status, 503);
  t.regex(token.body.toString(), /mode login/);
  const shaped = await ask(
    `${hub.base}/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=${KEY}`,
  );
  t.is(shaped.json()['errcode'], 40013);
  t.is(costOf(platform.control).all, 0);
});
