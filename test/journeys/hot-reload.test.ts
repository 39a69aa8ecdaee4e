import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { APPID, APPSECRET, INFO, Sidecar, startSidecar } from '../support/sidecar.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

const READ_AGAIN = 'settings reloaded';
const REFUSED = 'new settings rejected; the old ones stay in force';
const NEW_SECRET = 'beefbeefbeefbeefbeefbeefbeefbeef';

interface Shop {
  readonly platform: RunningSimulator;
  readonly sidecar: Sidecar;
  /** Replaces a file atomically, as editors and mounted volumes do. */
  replace(name: 'shop.yaml' | 'secret', text: string): void;
  yaml(more?: string): string;
}

async function openShop(t: ExecutionContext): Promise<Shop> {
  const platform = await startSimulator(t);
  const folder = temporaryFolder(t);
  const replace: Shop['replace'] = (name, text) => {
    writeFileSync(join(folder, `${name}.new`), text);
    renameSync(join(folder, `${name}.new`), join(folder, name));
  };
  const yaml = (more = ''): string =>
    `apps:\n  - { appid: ${APPID}, secretFile: ${join(folder, 'secret')}, mode: classic }\n` +
    `upstreams: [${platform.origin}]\nlogLevel: debug\n${more}`;
  replace('secret', `${APPSECRET}\n`);
  replace('shop.yaml', yaml());
  const sidecar = await startSidecar(t, [], {
    args: ['--config', join(folder, 'shop.yaml')],
    env: {
      WECHAT_APPID: '',
      WECHAT_APPSECRET: '',
      WECHAT_SIDECAR_UPSTREAMS: '',
      WECHAT_SIDECAR_LOG_LEVEL: '',
    },
    secrets: [NEW_SECRET],
  });
  return { platform, sidecar, replace, yaml };
}

test.serial('a new secret in its file is used without a restart', async (t) => {
  const { platform, sidecar, replace } = await openShop(t);
  const { control } = platform;
  control.configure({ appid: APPID, secret: NEW_SECRET });
  replace('secret', NEW_SECRET);
  await sidecar.untilLine(READ_AGAIN);
  control.revoke();
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is(await sidecar.metric('wechat_sidecar_token_fetch_failures_total'), 0);
});

test.serial('newly denied paths are refused without a restart', async (t) => {
  const { sidecar, replace, yaml } = await openShop(t);
  t.is((await sidecar.call(INFO)).status, 200);
  replace('shop.yaml', yaml('denyPaths: [/cgi-bin/user/*]\nerrorStatus: http\n'));
  await sidecar.untilLine(READ_AGAIN);
  const reply = await sidecar.call(INFO);
  t.is(reply.status, 403);
  t.is(reply.headers['x-wechat-sidecar-error'], 'forbidden_path');
  replace('shop.yaml', yaml());
  await sidecar.untilLines(READ_AGAIN, 2);
  t.is((await sidecar.call(INFO)).status, 200);
});

test.serial('new settings with a problem are rejected as a whole, and the problem is logged', async (t) => {
  const { sidecar, replace, yaml } = await openShop(t);
  replace('shop.yaml', yaml('denyPaths: [/cgi-bin/user/*]\ndrainTimeout: soon\nno_such_key: 1\n'));
  const line = await sidecar.untilLine(REFUSED);
  t.is(line.level, 'error');
  const problems = (line['problems'] as string[]).join('\n');
  t.regex(problems, /drainTimeout.*soon/);
  t.regex(problems, /no_such_key/);
  t.is((await sidecar.call(INFO)).status, 200, 'nothing of them is in force');

  replace('secret', '');
  sidecar.signal('SIGHUP');
  await sidecar.untilLines(REFUSED, 2);
  t.is((await sidecar.call(INFO)).status, 200);
  t.is(await sidecar.health('readyz'), 200);
});

test.serial('SIGHUP reloads everything, and logs it even if nothing has changed', async (t) => {
  const { sidecar, platform } = await openShop(t);
  platform.control.clear();
  sidecar.signal('SIGHUP');
  await sidecar.untilLine('settings reloaded without changes');
  t.is((await sidecar.call(INFO)).status, 200);
  t.is(platform.control.counters().apps[APPID]?.classicFetches, 0, 'that costs no token');
});

test.serial('SIGHUP while the start waits for a hub reloads once it is over', async (t) => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'key'), 'k'.repeat(40), { mode: 0o600 });
  const asked = once(silent, 'connection');
  const sidecar = new Sidecar(t, 'proxy', {
    env: {
      WECHAT_SIDECAR_HUB_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      WECHAT_SIDECAR_HUB_TOKEN_FILE: join(folder, 'key'),
    },
  });
  await asked;
  sidecar.signal('SIGHUP');
  await sidecar.untilServing();
  await sidecar.untilLine('settings reloaded without changes');
  t.is(await sidecar.health('livez'), 200);
});

test.serial('settings that need a restart are named, and the others take effect', async (t) => {
  const { sidecar, replace, yaml } = await openShop(t);
  replace('shop.yaml', yaml('drainDelay: 3s\nforeignTokens: reject\n'));
  const line = await sidecar.untilLine('changed settings need a restart to take effect');
  t.deepEqual(line['settings'], ['drainDelay']);
  await sidecar.untilLine(READ_AGAIN);
  const reply = await sidecar.call(`${INFO}&access_token=somebody-elses-token-of-some-length`);
  t.is(reply.headers['x-wechat-sidecar-error'], 'foreign_token');
});
