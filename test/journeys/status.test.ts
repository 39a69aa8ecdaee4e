import test, { type ExecutionContext } from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { type Outcome, type RoleProcess, runCommand, startRole } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { appid, secret } = DEMO_APP;

/** A user's processes with a temporary folder of their own; nobody sets an admin port, and nothing is configured. */
function machine(t: ExecutionContext): {
  start(role: string, env?: Record<string, string>): Promise<RoleProcess>;
  run(command: string, args?: string[], env?: Record<string, string>): Promise<Outcome>;
} {
  const env = { WECHAT_SIDECAR_ADMIN_LISTEN: '', TMPDIR: temporaryFolder(t) };
  return {
    start: (role, more = {}) => startRole(t, role, { env: { ...env, ...more } }),
    run: (command, args = [], more = {}) => runCommand(t, command, { env: { ...env, ...more }, args }),
  };
}

/** Nothing listens there. */
const NOBODY = { WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:1' };

test.serial('status shows what runs as a short table, several processes one after the other', async (t) => {
  const { start, run } = machine(t);
  const simulator = await start('simulator');
  const account = { WECHAT_APPID: appid, WECHAT_APPSECRET: secret, WECHAT_SIDECAR_UPSTREAMS: simulator.base };
  const proxy = await start('proxy', account);
  await proxy.untilLine('token refreshed');
  const { code, stdout, stderr } = await run('status');
  t.is(code, 0, stderr);
  const [first = '', second = ''] = stdout.split('\n\n');
  const [of, other] = first.startsWith('proxy') ? [first, second] : [second, first];
  t.regex(of, new RegExp(`^proxy \\S+, admin port 127\\.0\\.0\\.1:${proxy.adminPort}\n`));
  t.regex(of, /^ {2}account +mode +token +left +next$/m);
  t.regex(
    of,
    new RegExp(`^ {2}${appid} +stable +[0-9a-f]{16} +2 h +refresh ahead of time in \\d+ min$`, 'm'),
  );
  t.regex(of, new RegExp(`^ {2}${simulator.base} +up +-`, 'm'));
  t.regex(other, /^simulator /);

  const json = await run('status', ['--json'], {
    WECHAT_SIDECAR_ADMIN_LISTEN: `127.0.0.1:${proxy.adminPort}`,
  });
  t.is(json.code, 0);
  const { role, proxy: part } = JSON.parse(json.stdout) as { role: string; proxy: { accounts: object[] } };
  t.is(role, 'proxy');
  t.like(part.accounts[0], { appid, mode: 'stable' });
});

test.serial('where nothing runs, status says what to do and exits 1', async (t) => {
  const { code, stdout, stderr } = await machine(t).run('status', [], NOBODY);
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /^No sidecar or hub runs on this machine: nothing of ours answers at 127\.0\.0\.1:1/);
  t.regex(stderr, /wechat-sidecar demo, proxy or hub.*WECHAT_SIDECAR_ADMIN_LISTEN/);
});

test.serial('check with nothing configured checks the demo that runs', async (t) => {
  const { start, run } = machine(t);
  const demo = await start('demo');
  await demo.untilLine('token refreshed');
  const { code, stdout } = await run('check');
  t.is(code, 0, stdout);
  t.regex(stdout, /^ok +Nothing is configured here, so what runs on this machine is checked\.$/m);
  t.regex(stdout, /^ok +A demo \(\S+\) runs on this machine, .*, and is ready\.$/m);
  t.regex(stdout, new RegExp(`^ok +${appid}: its token is good for 2 h; refresh ahead of time in`, 'm'));

  const json = await run('check', ['--json']);
  t.is(json.code, 0);
  const { ok, findings } = JSON.parse(json.stdout) as { ok: boolean; findings: { level: string }[] };
  t.true(ok);
  t.deepEqual(
    findings.map(({ level }) => level),
    ['ok', 'ok', 'ok'],
  );
});

test.serial('check with nothing configured, where nothing runs, says what to set and exits 78', async (t) => {
  const { run } = machine(t);
  const { code, stderr } = await run('check', [], NOBODY);
  t.is(code, 78);
  t.regex(
    stderr,
    /Set WECHAT_APPID and WECHAT_APPSECRET .* WECHAT_SIDECAR_HUB_URL .* wechat-sidecar demo\.\n$/,
  );
  const json = await run('check', ['--json'], NOBODY);
  t.is(json.code, 78);
  t.like(JSON.parse(json.stdout), { ok: false, findings: [{ level: 'problem' }] });
});

test.serial('check --json is one object, whatever is wrong', async (t) => {
  const { run } = machine(t);
  const bad = await run('check', ['--json'], { WECHAT_APPID: appid, WECHAT_TOKEN_MODE: 'fast' });
  t.is(bad.code, 78);
  t.is(bad.stderr, '');
  const { findings } = JSON.parse(bad.stdout) as { findings: { level: string; text: string }[] };
  t.true(findings.length >= 2 && findings.every(({ level }) => level === 'problem'));
  const away = {
    WECHAT_APPID: appid,
    WECHAT_APPSECRET: secret,
    WECHAT_SIDECAR_UPSTREAMS: 'http://127.0.0.1:9',
  };
  const unreachable = await run('check', ['--json'], away);
  t.is(unreachable.code, 1);
  const told = JSON.parse(unreachable.stdout) as { ok: boolean; findings: { level: string; text: string }[] };
  t.false(told.ok);
  t.regex(told.findings.find(({ level }) => level === 'problem')?.text ?? '', /cannot be reached/);
});
