import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { type RoleProcess, runCommand, startRole } from '../support/process.ts';
import { ask } from '../support/simulator-client.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NOT_SET = { WECHAT_SIDECAR_ADMIN_LISTEN: '' };

interface Machine {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly start: (role: string, env?: Readonly<Record<string, string>>) => Promise<RoleProcess>;
}

/** A user's processes with their own temporary folder and without a configured admin port. */
function machine(t: ExecutionContext): Machine {
  const folder = temporaryFolder(t);
  const env = { ...NOT_SET, TMPDIR: folder };
  return {
    folder,
    env,
    start: (role, more = {}) => startRole(t, role, { env: { ...env, ...more } }),
  };
}

const account = (simulator: RoleProcess): Record<string, string> => ({
  WECHAT_APPID: DEMO_APP.appid,
  WECHAT_APPSECRET: DEMO_APP.secret,
  WECHAT_SIDECAR_UPSTREAMS: simulator.base,
});

test.serial(
  'two roles on one machine have different admin ports, and shutdown and check find them',
  async (t) => {
    const { env, folder, start } = machine(t);
    const simulator = await start('simulator');
    const proxy = await start('proxy', account(simulator));
    t.not(simulator.adminPort, proxy.adminPort);
    for (const role of [simulator, proxy]) t.is((await ask(`${role.admin}/livez`)).status, 200);
    t.is((await ask(`${proxy.base}/cgi-bin/getcallbackip`)).status, 200);

    const checked = await runCommand(t, 'check', { env: { ...env, ...account(simulator) } });
    t.is(checked.code, 0, checked.stdout);
    for (const [role, port] of [
      ['simulator', simulator.adminPort],
      ['proxy', proxy.adminPort],
    ] as const) {
      const place = `with its admin port at 127\\.0\\.0\\.1:${port}, and is ready`;
      t.regex(checked.stdout, new RegExp(`^ok +A ${role} \\(.+\\) runs on this machine, ${place}\\.$`, 'm'));
    }

    const stopped = await runCommand(t, 'shutdown', { env });
    t.is(stopped.code, 0, stopped.stderr);
    t.is((await proxy.exited).code, 0, 'of the two, the sidecar is meant');
    t.true(simulator.running);
    t.is((await runCommand(t, 'shutdown', { env })).code, 0, 'of one, there is no doubt');
    t.is((await simulator.exited).code, 0);
    t.deepEqual(readdirSync(folder), [], 'nothing is left behind');
  },
);

test.serial('shutdown never stops one of several sidecars by chance, and ignores killed ones', async (t) => {
  const { env, start } = machine(t);
  const simulator = await start('simulator');
  const [first, second] = [
    await start('proxy', account(simulator)),
    await start('proxy', account(simulator)),
  ];
  const unclear = await runCommand(t, 'shutdown', { env });
  t.is(unclear.code, 1);
  t.regex(unclear.stderr, /^Several processes run on this machine \(.*proxy at 127\.0\.0\.1:\d+/);
  t.regex(unclear.stderr, /name one with WECHAT_SIDECAR_ADMIN_LISTEN/);
  const named = { ...env, WECHAT_SIDECAR_ADMIN_LISTEN: `127.0.0.1:${first.adminPort}` };
  t.is((await runCommand(t, 'shutdown', { env: named })).code, 0);
  t.is((await first.exited).code, 0);

  const third = await start('proxy', account(simulator));
  await third.stop('SIGKILL');
  t.is((await runCommand(t, 'shutdown', { env })).code, 0);
  t.is((await second.exited).code, 0);
});

test.serial('check reports a process that is not ready', async (t) => {
  const { env, start } = machine(t);
  const away = { ...account(await start('simulator')), WECHAT_SIDECAR_UPSTREAMS: 'http://127.0.0.1:9' };
  const proxy = await start('proxy', away);
  const { stdout } = await runCommand(t, 'check', { env: { ...env, ...away } });
  t.regex(
    stdout,
    new RegExp(`^warning +A proxy .*:${proxy.adminPort}, and is not ready: tokens failed: `, 'm'),
  );
});

for (const role of ['demo', 'simulator', 'hub']) {
  test.serial(`a configured admin port never moves (${role})`, async (t) => {
    const { env, start } = machine(t);
    const simulator = await start('simulator');
    const taken = { WECHAT_SIDECAR_ADMIN_LISTEN: `127.0.0.1:${simulator.adminPort}` };
    const more = role === 'hub' ? account(simulator) : {};
    const { code, stderr } = await runCommand(t, role, { env: { ...env, ...more, ...taken } });
    t.is(code, 1);
    t.regex(stderr, /another program already uses this port.*WECHAT_SIDECAR_ADMIN_LISTEN \(adminListen\)/);
  });
}

test.serial('a folder that another user can write to is not trusted', async (t) => {
  const { env, folder, start } = machine(t);
  const simulator = await start('simulator');
  const elsewhere = temporaryFolder(t);
  const name = readdirSync(folder)[0] ?? '';
  const trap = join(elsewhere, 'trap');
  mkdirSync(trap, { mode: 0o777 });
  writeFileSync(join(trap, String(simulator.adminPort)), '');
  symlinkSync(trap, join(elsewhere, name));
  const { stdout } = await runCommand(t, 'check', {
    env: { ...env, ...account(simulator), TMPDIR: elsewhere },
  });
  t.notRegex(stdout, /runs on this machine/);
});
