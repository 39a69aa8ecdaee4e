import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { runCommand, startRole } from '../support/process.ts';
import { ask } from '../support/simulator-client.ts';
import { temporaryFolder } from '../support/temporary.ts';

const tokenUrl = (base: string, secret: string): string =>
  `${base}/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=${secret}`;

test.serial('the simulator removes its certificate when it ends, however it ends', async (t) => {
  const folder = temporaryFolder(t);
  const env = { TMPDIR: folder, WECHAT_SIMULATOR_TLS: 'true' };
  const simulator = await startRole(t, 'simulator', { env });
  const { file } = await simulator.untilLine('trust this certificate to call the simulator');
  t.is(dirname(dirname(String(file))), folder);
  const taken = { ...env, WECHAT_SIDECAR_LISTEN: `127.0.0.1:${simulator.port}` };
  t.is((await runCommand(t, 'simulator', { env: taken })).code, 1);
  t.deepEqual(
    readdirSync(folder).filter((name) => !String(file).includes(name)),
    [],
    'one that could not listen leaves nothing behind',
  );
  t.is((await simulator.stop()).code, 0);
  t.deepEqual(readdirSync(folder), []);
});

test.serial('accounts that are added or changed in the settings are updated on the platform', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'simulator.yaml');
  const [first, second] = ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(2)];
  const write = (text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const account = (secret: string): string => `apps: [{ appid: wx0123456789abcdef, secret: "${secret}" }]\n`;
  write('apps: []\n');
  const simulator = await startRole(t, 'simulator', { args: ['--config', file], secrets: [first, second] });
  t.is((await ask(tokenUrl(simulator.base, first))).json().errcode, 40013);
  write(account(first));
  await simulator.untilLines('settings reloaded', 1);
  const { access_token: token, expires_in: life } = (await ask(tokenUrl(simulator.base, first))).json();
  t.is(life, 7_200);
  write(account(second));
  await simulator.untilLines('settings reloaded', 2);
  t.is((await ask(tokenUrl(simulator.base, first))).json().errcode, 40125);
  const call = `${simulator.base}/cgi-bin/getcallbackip?access_token=${String(token)}`;
  t.true('ip_list' in (await ask(call)).json(), 'a token outlives a new secret');
});
