import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { runCommand, startRole } from '../support/process.ts';
import { ask } from '../support/simulator-client.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Does what `curl` would do for a line of the demo's text. */
function curl(line: string): ReturnType<typeof ask> {
  const [, method] = / -X ([A-Z]+) /.exec(line) ?? [];
  const [, quoted, bare] = /curl.* (?:'([^']+)'|(http\S+))$/.exec(line) ?? [];
  return ask(quoted ?? bare ?? '', method === undefined ? {} : { method });
}

test.serial('the three lines of the demo do what they say', async (t) => {
  const demo = await startRole(t, 'demo', { env: { WECHAT_SIDECAR_LISTEN: 'localhost:0' } });
  await demo.untilText('Ctrl-C stops everything');
  const lines = demo
    .stdout()
    .split('\n')
    .filter((line) => /^\s+curl /.test(line));
  t.is(lines.length, 3);

  const [first, second, third] = lines as [string, string, string];
  const before = await curl(first);
  t.is(before.status, 200);
  t.false('errcode' in before.json(), before.body.toString());
  t.regex(String(before.headers['x-wechat-sidecar']), /replay=0$/);
  t.is((await curl(second)).status, 200);
  const after = await curl(third);
  t.deepEqual(after.json(), before.json());
  t.regex(String(after.headers['x-wechat-sidecar']), /replay=1$/, 'as its line says');
  t.regex(third, /curl -i /, 'or nobody would see that header');

  const pages = [...demo.stdout().matchAll(/http:\/\/localhost:\d+\/(?:status|metrics|__sim\/)(?=\s)/g)];
  t.is(pages.length, 3);
  for (const [url] of pages) t.is((await ask(url)).status, 200, url);
});

test.serial('Ctrl-C stops everything at once, even during calls', async (t) => {
  const demo = await startRole(t, 'demo', { env: { WECHAT_SIDECAR_LISTEN: 'localhost:0' } });
  const keepAlive = await fetch(`${demo.base}/cgi-bin/token?appid=${DEMO_APP.appid}`);
  t.is(keepAlive.status, 200);
  await keepAlive.text();
  const beganMs = performance.now();
  t.deepEqual(await demo.stop('SIGINT'), { code: 0, signal: null });
  t.true(performance.now() - beganMs < 10_000, 'no timeout was waited for');
  t.is(demo.stderr(), '');
});

test.serial('two demos do not disturb each other', async (t) => {
  const first = await startRole(t, 'demo');
  const env = {
    WECHAT_SIDECAR_LISTEN: `127.0.0.1:${first.port}`,
    WECHAT_SIDECAR_ADMIN_LISTEN: '',
    TMPDIR: temporaryFolder(t),
  };
  // It requests the port in use and gets a free one.
  const second = await startRole(t, 'demo', { env });
  t.not(second.port, first.port);
  t.is((await ask(`${second.base}/cgi-bin/getcallbackip`)).status, 200);
  t.is((await ask(`${first.base}/cgi-bin/getcallbackip`)).status, 200);
});

test.serial('without a command and without an account the demo runs', async (t) => {
  const demo = await startRole(t, '--config=/dev/null');
  t.is((await demo.untilLine('serving'))['role'], 'demo');
});

test.serial('check accepts the account of the demo', async (t) => {
  const simulator = await startRole(t, 'simulator');
  const { code, stdout } = await runCommand(t, 'check', {
    env: {
      WECHAT_APPID: DEMO_APP.appid,
      WECHAT_APPSECRET: DEMO_APP.secret,
      WECHAT_SIDECAR_UPSTREAMS: simulator.base,
    },
  });
  t.is(code, 0, stdout);
  t.notRegex(stdout, /^(?:warning|PROBLEM)/m);
});

test.serial('settings that change at runtime take effect', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'demo.yaml');
  writeFileSync(file, 'logLevel: debug\n');
  const demo = await startRole(t, 'demo', {
    args: ['--config', file],
    env: { WECHAT_SIDECAR_LOG_LEVEL: '' },
  });
  const call = (): ReturnType<typeof ask> => ask(`${demo.base}/cgi-bin/getcallbackip`);
  t.is((await call()).status, 200);
  writeFileSync(`${file}.new`, 'logLevel: debug\ndenyPaths: [/cgi-bin/getcallback*]\n');
  renameSync(`${file}.new`, file);
  await demo.untilLine('settings reloaded');
  t.is((await call()).headers['x-wechat-sidecar-error'], 'forbidden_path');
  t.is((await ask(`${demo.base}/cgi-bin/menu/get`)).json().errcode, 46003, 'it still uses its own hub');
});

test.serial('its temporary files are removed with it, however it ends', async (t) => {
  const folder = temporaryFolder(t);
  const demo = await startRole(t, 'demo', { env: { TMPDIR: folder } });
  t.not(readdirSync(folder).length, 0);
  t.is((await demo.stop()).code, 0);
  t.deepEqual(readdirSync(folder), []);
  const env = { TMPDIR: folder, WECHAT_SIDECAR_LISTEN: '203.0.113.1:1' };
  t.is((await runCommand(t, 'demo', { env })).code, 1, 'an address that this machine does not have');
  t.deepEqual(readdirSync(folder), []);
});
