import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCommand } from '../support/process.ts';
import { startPair } from '../support/sidecar.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SECRET = 'cafecafecafecafecafecafecafecafe';

test.serial('invalid settings: all problems at once, no secret, no stack trace, exit code 78', async (t) => {
  const env = {
    WECHAT_APPID: 'wx0123456789abcdef',
    WECHAT_APPSECRET: SECRET,
    WECHAT_TOKEN_MODE: 'stabel',
    WECHAT_SIDECAR_LISTEN: 'here',
    WECHAT_SIDECAR_DRAIN_TIMEOUT: '25',
    WECHAT_SIDECAR_REPLAY_BODY_LIMIT: 'large',
    WECHAT_SIDECAR_UPSTREAMS: 'ftp://example.org',
    WECHAT_SIDECAR_ERROR_STATUS: '500',
  };
  for (const command of ['proxy', 'check']) {
    const { code, stdout, stderr } = await runCommand(t, command, { env, secrets: [SECRET] });
    t.is(code, 78);
    t.is(stdout, '');
    t.regex(stderr, /^wechat-sidecar cannot start: 6 problems in the settings\n/);
    for (const name of Object.keys(env).slice(2)) t.regex(stderr, new RegExp(`^  ${name}`, 'm'), name);
    t.notRegex(stderr, /^\s+at /m);
    t.regex(stderr, /stabel.*stable/, 'what was given, and what is accepted');
  }
});

test.serial('a malformed secret is reported without being shown', async (t) => {
  const env = { WECHAT_APPID: SECRET, WECHAT_APPSECRET: `${SECRET} with a space` };
  const { code, stderr } = await runCommand(t, 'proxy', { env, secrets: [`${SECRET} with`] });
  t.is(code, 78);
  t.regex(stderr, /WECHAT_APPSECRET/);
});

test.serial('problems in a settings file have its name, keys and lines', async (t) => {
  const file = join(temporaryFolder(t), 'shop.yaml');
  writeFileSync(
    file,
    `apps:\n  - { appid: wx0123456789abcdef, secret: ${SECRET}, moed: stable }\nstore: 7\n`,
  );
  const { code, stderr } = await runCommand(t, 'proxy', { args: ['--config', file], secrets: [SECRET] });
  t.is(code, 78);
  t.regex(stderr, /moed.*did you mean.*mode/);
  t.regex(stderr, /store/);

  writeFileSync(file, `apps: [{ appid: wx0123456789abcdef, secret: ${SECRET}\n`);
  const broken = await runCommand(t, 'proxy', { args: ['--config', file], secrets: [SECRET] });
  t.is(broken.code, 78);
  t.true(broken.stderr.includes('shop.yaml'), broken.stderr);
  t.is((await runCommand(t, 'proxy', { args: ['--config', `${file}.none`] })).code, 78);
});

test.serial('without an account a proxy says what it needs', async (t) => {
  const { code, stderr } = await runCommand(t, 'proxy');
  t.is(code, 78);
  t.regex(stderr, /WECHAT_APPID/);
  t.regex(stderr, /WECHAT_SIDECAR_HUB_URL/);
});

test.serial('unknown commands and options are reported as well', async (t) => {
  for (const args of [['porxy'], ['proxy', '--cofnig', 'x'], ['proxy', '--config'], ['proxy', 'hub']]) {
    const [command = '', ...rest] = args;
    const { code, stderr } = await runCommand(t, command, { args: rest });
    t.is(code, 78, args.join(' '));
    t.regex(stderr, /^wechat-sidecar: .*see wechat-sidecar --help\n$/);
  }
});

test.serial('a port in use is reported with its setting, and exit code 1', async (t) => {
  const { sidecar } = await startPair(t);
  for (const name of ['WECHAT_SIDECAR_LISTEN', 'WECHAT_SIDECAR_ADMIN_LISTEN']) {
    const env = {
      WECHAT_APPID: 'wx0123456789abcdef',
      WECHAT_APPSECRET: SECRET,
      WECHAT_SIDECAR_UPSTREAMS: 'http://127.0.0.1:1',
      [name]: `127.0.0.1:${sidecar.port}`,
    };
    const { code, stderr } = await runCommand(t, 'proxy', { env, secrets: [SECRET] });
    t.is(code, 1);
    t.true(stderr.includes(name) && stderr.includes(String(sidecar.port)), stderr);
    t.notRegex(stderr, /^\s+at /m);
  }
});
