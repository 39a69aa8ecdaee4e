import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ProcessGroup } from '../support/group.ts';
import { type RoleProcess, startRole } from '../support/process.ts';
import { ask } from '../support/simulator-client.ts';

const CACHE = '.cache/examples';

/** How each program is started in its folder, after `test/examples/tools.sh`, and the SDK that it shows. */
const EXAMPLES: Readonly<Record<string, { readonly command: readonly string[]; readonly sdk: string }>> = {
  python: { command: ['venv/bin/python', 'main.py'], sdk: 'wechatpy' },
  go: { command: ['./program'], sdk: 'silenceper/wechat' },
  java: { command: ['java', '-cp', 'target/classes:target/dependency/*', 'Main'], sdk: 'WxJava' },
  php: { command: ['php', 'main.php'], sdk: 'EasyWeChat' },
  node: { command: ['node', 'main.mjs'], sdk: 'co-wechat-api' },
};

for (const [language, { command, sdk }] of Object.entries(EXAMPLES)) {
  const why = whySkipped(language);
  const title = `examples/${language} calls, uploads, logs in${withSdk(language) ? ` and uses ${sdk}` : ''}`;
  const without = withSdk(language) ? '' : ` (SKIPPED: ${sdk}, which Composer has not installed)`;
  const withLanguage = why === undefined ? test.serial : test.serial.skip;
  withLanguage(`${title}${why === undefined ? without : ` (SKIPPED: ${why})`}`, async (t) => {
    if (!existsSync(`${CACHE}/ready-${language}`)) {
      t.fail(readFileSync(`${CACHE}/log-${language}`, 'utf8'));
      return;
    }
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
  const cwd = resolve(CACHE, language);
  const env = { HOME: process.env['HOME'], LANG: 'C.UTF-8', WECHAT_SIDECAR_URL: sidecar.base };
  const [program = '', ...args] = command;
  const path = program.includes('/') ? resolve(cwd, program) : program;
  const group = new ProcessGroup(t, [path, ...args], { cwd, env });
  t.is(await group.exited, 0, group.output());
  return group.output();
}

function assertOutput(t: ExecutionContext, output: string, language: string, sdk: string): void {
  t.regex(output, /^call: 3 addresses$/m);
  t.regex(output, /^upload: \S{20,}$/m);
  t.regex(output, /^login: o\S{10,}$/m);
  if (withSdk(language)) t.regex(output, new RegExp(`^${sdk}: oExampleUser$`, 'm'));
}
