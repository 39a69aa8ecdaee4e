import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Secret } from '../../src/base/secret.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { signatureOf } from '../../src/wechat/page-signature.ts';
import { chromiumPath } from '../support/chromium.ts';
import { ProcessGroup } from '../support/group.ts';
import { assertPageIsSigned } from '../support/js-sdk-page.ts';
import { type RoleProcess, startRole } from '../support/process.ts';
import { randomPage } from '../support/random-page.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/simulator-client.ts';

const CACHE = '.cache/examples';
const JAVA_CLASSES = 'target/classes:target/dependency/*';

/** How each program is started in its folder, after `test/examples/tools.sh`, and the SDK that it shows. */
const EXAMPLES: Readonly<Record<string, { readonly command: readonly string[]; readonly sdk: string }>> = {
  python: { command: ['venv/bin/python', 'main.py'], sdk: 'wechatpy' },
  go: { command: ['./program'], sdk: 'silenceper/wechat' },
  java: { command: ['java', '-cp', JAVA_CLASSES, 'Main'], sdk: 'WxJava' },
  php: { command: ['php', 'main.php'], sdk: 'EasyWeChat' },
  node: { command: ['node', 'main.mjs'], sdk: 'co-wechat-api' },
};

for (const [language, { command, sdk }] of Object.entries(EXAMPLES)) {
  const why = whySkipped(language);
  const withLanguage = why === undefined ? test.serial : test.serial.skip;
  const skipped = why === undefined ? '' : ` (SKIPPED: ${why})`;
  const withoutSdk = ` (SKIPPED: ${sdk}, which Composer has not installed)`;
  const uses = withSdk(language) ? ` and uses ${sdk}` : '';
  const callTitle = `examples/${language} calls, uploads, logs in${uses}`;
  const callSkipped = skipped === '' && uses === '' ? withoutSdk : skipped;
  withLanguage(`${callTitle}${callSkipped}`, async (t) => {
    if (!isReady(t, language)) return;
    const { simulator, sidecar } = await startBoth(t);
    const first = await run(t, language, command, sidecar);
    assertOutput(t, first, language, sdk);
    for (const death of ['expire', 'revoke']) {
      t.is((await ask(`${simulator.base}/__sim/${death}`, { method: 'POST' })).status, 200);
      assertOutput(t, await run(t, language, command, sidecar), language, sdk);
    }
    const { body } = await ask(`${sidecar.admin}/metrics`);
    const recovered = [
      ...body.toString().matchAll(/^wechat_sidecar_replays_total\{.*outcome="recovered"\} 1$/gm),
    ];
    t.true(recovered.length >= 1, 'a dead token was met, and the program did not notice');
  });

  const browser = chromiumPath === undefined ? ` (SKIPPED: the browser that would show it)` : '';
  withLanguage(`examples/${language} serves a page that is signed${skipped || browser}`, async (t) => {
    if (!isReady(t, language)) return;
    const { sidecar } = await startBoth(t);
    const server = await servePage(t, language, command, sidecar);
    const ticket = await ticketOf(sidecar);
    await assertSignatures(t, server, ticket);
    if (chromiumPath !== undefined) await assertPageIsSigned(t, server, { appid: DEMO_APP.appid, ticket });
  });
}

const withoutJava = whySkipped('java');
const withJava = withoutJava === undefined ? test.serial : test.serial.skip;
const javaSkipped = withoutJava === undefined ? '' : ` (SKIPPED: ${withoutJava})`;
withJava(`WxJava itself signs 1,000 random pages as the sidecar does${javaSkipped}`, async (t) => {
  if (!isReady(t, 'java')) return;
  const { sidecar } = await startBoth(t);
  const ticket = new Secret(await ticketOf(sidecar));
  const random = seededRandom(12);
  const pages = Array.from({ length: 1_000 }, () => randomPage(random).bare);
  const { stdout, stderr } = spawnSync('java', ['-cp', JAVA_CLASSES, 'Signatures'], {
    cwd: resolve(CACHE, 'java'),
    env: { PATH: process.env['PATH'], WECHAT_APPID: DEMO_APP.appid, WECHAT_SIDECAR_URL: sidecar.base },
    input: pages.join('\n'),
    encoding: 'utf8',
  });
  const lines = stdout.trimEnd().split('\n');
  t.is(lines.length, pages.length, stderr);
  for (const [index, line] of lines.entries()) {
    const [timestamp, nonce = '', signature = ''] = line.split(' ');
    const page = pages[index] ?? '';
    t.is(signatureOf(ticket, nonce, Number(timestamp), page), signature, page);
  }
});

/** Fails the test of a program that did not compile. */
function isReady(t: ExecutionContext, language: string): boolean {
  if (existsSync(`${CACHE}/ready-${language}`)) return true;
  t.fail(readFileSync(`${CACHE}/log-${language}`, 'utf8'));
  return false;
}

function whySkipped(language: string): string | undefined {
  const file = `${CACHE}/skipped-${language}`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** Composer's registry may be out of reach where the others are not; the rest of the program then runs alone. */
function withSdk(language: string): boolean {
  return language !== 'php' || existsSync(`${CACHE}/php/vendor/autoload.php`);
}

async function startBoth(t: ExecutionContext): Promise<{ simulator: RoleProcess; sidecar: RoleProcess }> {
  const simulator = await startRole(t, 'simulator');
  const sidecar = await startRole(t, 'proxy', {
    env: {
      WECHAT_APPID: DEMO_APP.appid,
      WECHAT_APPSECRET: DEMO_APP.secret,
      WECHAT_SIDECAR_UPSTREAMS: simulator.base,
    },
  });
  return { simulator, sidecar };
}

async function run(
  t: ExecutionContext,
  language: string,
  command: readonly string[],
  sidecar: RoleProcess,
): Promise<string> {
  const group = start(t, language, command, { WECHAT_SIDECAR_URL: sidecar.base });
  t.is(await group.exited, 0, group.output());
  return group.output();
}

function start(
  t: ExecutionContext,
  language: string,
  command: readonly string[],
  ownEnv: Readonly<Record<string, string>>,
): ProcessGroup {
  const cwd = resolve(CACHE, language);
  const env = { HOME: process.env['HOME'], LANG: 'C.UTF-8', ...ownEnv };
  const [program = '', ...args] = command;
  const path = program.includes('/') ? resolve(cwd, program) : program;
  return new ProcessGroup(t, [path, ...args], { cwd, env });
}

/** Starts the program once more, as a server. PHP has a web server of its own, which runs the same file. */
async function servePage(
  t: ExecutionContext,
  language: string,
  command: readonly string[],
  sidecar: RoleProcess,
): Promise<string> {
  const port = String(await freePort());
  const withServer = language === 'php' ? ['php', '-S', `127.0.0.1:${port}`, 'main.php'] : command;
  const group = start(t, language, withServer, { PORT: port, WECHAT_SIDECAR_URL: sidecar.base });
  await group.until(language === 'php' ? /started/ : /^page: /m);
  const server = `http://localhost:${port}`;
  while ((await ask(server).catch(() => undefined)) === undefined) await pause(25);
  return server;
}

async function ticketOf(sidecar: RoleProcess): Promise<string> {
  const { body } = await ask(`${sidecar.base}/cgi-bin/ticket/getticket?type=jsapi`);
  return (JSON.parse(body.toString()) as { readonly ticket: string }).ticket;
}

/** Asks as the page does, for URLs that are easily signed as something else. */
async function assertSignatures(t: ExecutionContext, server: string, ticket: string): Promise<void> {
  const page = await ask(`${server}/a/page?x=1`);
  t.regex(page.headers['content-type'] ?? '', /^text\/html; ?charset=utf-8$/i);
  t.deepEqual(page.body, readFileSync('examples/page.html'));
  for (const url of [
    'https://shop.example.com/中文?a=1+2&b=%26#/route',
    'http://shop.example.com:8080/%E4%B8%AD?url=x',
  ]) {
    const asked = await ask(`${server}/jssdk-signature?url=${encodeURIComponent(url)}`);
    const config = JSON.parse(asked.body.toString()) as Readonly<Record<string, string>>;
    const [signed] = url.split('#');
    const text = `jsapi_ticket=${ticket}&noncestr=${config['nonceStr']}&timestamp=${config['timestamp']}&url=${signed}`;
    t.is(config['appId'], DEMO_APP.appid);
    t.is(config['signature'], createHash('sha1').update(text).digest('hex'), url);
  }
}

function assertOutput(t: ExecutionContext, output: string, language: string, sdk: string): void {
  t.regex(output, /^call: 3 addresses$/m);
  t.regex(output, /^upload: \S{20,}$/m);
  t.regex(output, /^login: o\S{10,}$/m);
  if (withSdk(language)) t.regex(output, new RegExp(`^${sdk}: oExampleUser$`, 'm'));
}
