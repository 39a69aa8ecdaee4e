import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ProcessGroup } from '../support/group.ts';
import { healedCall } from '../support/healed-call.ts';
import { startRole } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

const UNITS = ['deploy/systemd/wechat-sidecar.service', 'deploy/systemd/wechat-sidecar-hub.service'];
const INSTALLED = '/opt/wechat-sidecar/node_modules/.bin/wechat-sidecar';
const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** The exposure that `systemd-analyze security` may find, of 100. */
const EXPOSURE_MAX = 15;

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
const withSystemd = hasSystemd ? test : test.skip;
const because = hasSystemd ? '' : ' (SKIPPED: no systemd-analyze here)';

for (const unit of UNITS) {
  withSystemd(`systemd accepts ${basename(unit)} without a warning${because}`, (t) => {
    const path = join(temporaryFolder(t), basename(unit));
    // It looks whether the program is there, which is the business of whoever installs it.
    writeFileSync(path, readFileSync(unit, 'utf8').replaceAll(INSTALLED, '/bin/sh'));
    const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    t.is(stderr + stdout, '');
    t.is(status, 0);
  });

  withSystemd(`${basename(unit)} is exposed by at most ${EXPOSURE_MAX / 10} of 10${because}`, (t) => {
    const how = ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE_MAX}`, unit];
    const { status, stdout } = spawnSync('systemd-analyze', how, { encoding: 'utf8' });
    t.regex(stdout, /Overall exposure level/);
    t.is(status, 0, stdout);
  });
}

test('both units have the same hardening', (t) => {
  const [sidecar, hub] = UNITS.map((unit) => readFileSync(unit, 'utf8'));
  const tail = (text = ''): string => text.slice(text.indexOf('ExecReload='));
  t.true(tail(hub).includes('ProtectSystem=strict'));
  t.is(tail(hub), tail(sidecar));
});

test('started by its unit, the sidecar heals a call and keeps its token', async (t) => {
  const simulator = await startRole(t, 'simulator');
  const machine = layMachine(t);
  machine.write('etc/wechat-sidecar/appsecret', `${DEMO_APP.secret}\n`);
  machine.write(
    'etc/wechat-sidecar/sidecar.env',
    `WECHAT_APPID=${DEMO_APP.appid}\nWECHAT_SIDECAR_UPSTREAMS=${simulator.base}\n`,
  );
  const { base, stop } = await machine.start('deploy/systemd/wechat-sidecar.service', 'sidecar');
  await healedCall(t, base, simulator.base);
  await stop();
  const tokens = join(machine.state, 'wechat-sidecar/tokens.json');
  t.true(readFileSync(tokens, 'utf8').includes(DEMO_APP.appid));
  t.is(statSync(tokens).mode & 0o077, 0);
});

test('started by its unit, the hub serves tokens to a sidecar that is configured as in the guide', async (t) => {
  const simulator = await startRole(t, 'simulator');
  const machine = layMachine(t);
  const key = '0123456789abcdef'.repeat(4);
  machine.write('etc/wechat-sidecar/secrets/shop', `${DEMO_APP.secret}\n`);
  machine.write('etc/wechat-sidecar/secrets/orders', `${key}\n`);
  const credential = (name: string): string => join(machine.credentials, `secrets_${name}`);
  machine.write(
    'etc/wechat-sidecar/hub.yaml',
    [
      `apps: [{ appid: ${DEMO_APP.appid}, secretFile: ${credential('shop')} }]`,
      `clients: [{ name: orders, keyFile: ${credential('orders')}, apps: ['*'] }]`,
      `upstreams: ['${simulator.base}']`,
    ].join('\n'),
  );
  const hub = await machine.start('deploy/systemd/wechat-sidecar-hub.service', 'hub');

  // The drop-in that the guide shows, for a sidecar without an account of its own.
  const [, dropIn = ''] = /^```ini\n([^]*?)^```$/m.exec(readFileSync('docs/install.md', 'utf8')) ?? [];
  machine.write('etc/wechat-sidecar/hub-key', `${key}\n`);
  machine.write('etc/wechat-sidecar/sidecar.env', `WECHAT_SIDECAR_UPSTREAMS=${simulator.base}\n`);
  const unit = 'deploy/systemd/wechat-sidecar.service';
  const sidecar = await machine.start(unit, 'sidecar', dropIn.replace(/https:\S+/, hub.base));
  await healedCall(t, sidecar.base, simulator.base);
  await sidecar.stop();
  await hub.stop();
});

interface Machine {
  readonly credentials: string;
  readonly state: string;
  write(path: string, text: string): void;
  /** Starts what a unit starts, with its environment and credentials; only ports and folders are others. */
  start(
    unit: string,
    role: string,
    dropIn?: string,
  ): Promise<{ readonly base: string; stop(): Promise<void> }>;
}

/** Folders in the place of those that a unit names: `/etc`, and what systemd makes for `%d` and `%S`. */
function layMachine(t: ExecutionContext): Machine {
  const folder = temporaryFolder(t);
  const [credentials, state] = [join(folder, 'credentials'), join(folder, 'state')];
  for (const made of [credentials, state]) mkdirSync(made);
  const local = (text: string): string =>
    text
      .replaceAll('%d', credentials)
      .replaceAll('%S', state)
      .replaceAll(/(?<![\w/])\/etc\/wechat-sidecar/g, join(folder, 'etc/wechat-sidecar'));
  return {
    credentials,
    state,
    write(path, text) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text, { mode: 0o600 });
    },
    async start(unit, role, dropIn = '') {
      const lines = settingsOf(`${readFileSync(unit, 'utf8')}\n${dropIn}`);
      // An empty value takes back those before it.
      const all = (key: string): string[] => {
        const values = lines.filter(([name]) => name === key).map(([, value]) => local(value));
        return values.slice(values.lastIndexOf('') + 1);
      };
      const unset = all('UnsetEnvironment').flatMap((names) => names.split(' '));
      for (const loaded of all('LoadCredential')) loadCredential(loaded, credentials);
      for (const made of all('StateDirectory')) mkdirSync(join(state, made), { mode: 0o700 });
      const given = [
        ...all('EnvironmentFile').flatMap((path) => readFileSync(path, 'utf8').split('\n')),
        ...all('Environment'),
      ];
      const [start = ''] = all('ExecStart');
      t.true(start.startsWith(`${INSTALLED} `), start);
      const group = new ProcessGroup(t, [process.execPath, CLI, ...start.split(' ').slice(1)], {
        env: {
          ...Object.fromEntries(
            given
              .filter((line) => line.includes('='))
              .map(pair)
              .filter(([name]) => !unset.includes(name)),
          ),
          WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
          WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
        },
      });
      const { base } = await group.untilServing();
      t.true(group.output().includes(`"role":"${role === 'sidecar' ? 'proxy' : role}"`));
      const stop = async (): Promise<void> => {
        group.signal('SIGTERM');
        t.is(await group.exited, 0, group.output());
        t.notRegex(group.output(), /"level":"(?:warn|error)"/);
      };
      return { base, stop };
    },
  };
}

function settingsOf(text: string): [key: string, value: string][] {
  return text
    .split('\n')
    .filter((line) => /^[A-Z]\w*=/.test(line))
    .map(pair);
}

function pair(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

/** `ID:PATH`; of a folder every file, as `ID_NAME`. */
function loadCredential(setting: string, into: string): void {
  const at = setting.indexOf(':');
  const [id, path] = [setting.slice(0, at), setting.slice(at + 1)];
  const copy = (name: string, from: string): void =>
    writeFileSync(join(into, name), readFileSync(from), { mode: 0o400 });
  if (!statSync(path).isDirectory()) copy(id, path);
  else for (const name of readdirSync(path)) copy(`${id}_${name}`, join(path, name));
}
