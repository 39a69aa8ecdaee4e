import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ProcessGroup } from '../support/group.ts';
import { healedCall } from '../support/healed-call.ts';
import { startRole } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const GUIDES = ['docs/install.md', 'docs/install.zh-CN.md'];

interface DockerRun {
  readonly env: Readonly<Record<string, string>>;
  /** Where a file of the host is in the container. */
  readonly mounted: readonly string[];
  readonly command: readonly string[];
}

/** The lines of a guide that run our image, without Docker: what they give its process. */
function dockerRuns(path: string): DockerRun[] {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  return [...readFileSync(path, 'utf8').matchAll(/^docker run (.*)$/gm)].map(([, line = '']) => {
    const words = line.split(' ');
    const at = words.indexOf(`wechat-sidecar:${version}`);
    if (at < 0) throw new Error(`${path} runs another image: ${line}`);
    const valuesOf = (option: string): string[] =>
      words
        .slice(0, at)
        .flatMap((word) => (word.startsWith(`${option}=`) ? [word.slice(option.length + 1)] : []));
    return {
      env: Object.fromEntries(valuesOf('--env').map((pair) => pair.split('=') as [string, string])),
      mounted: valuesOf('--volume').map((volume) => String(volume.split(':')[1])),
      command: words.slice(at + 1),
    };
  });
}

test('both guides show the same lines', (t) => {
  const [english, chinese] = GUIDES.map(dockerRuns);
  t.is(english?.length, 2);
  t.deepEqual(chinese, english);
});

test('the demo of the image heals a call', async (t) => {
  const [demo] = dockerRuns('docs/install.md');
  t.deepEqual(demo?.command, ['demo']);
  const group = start(t, demo, {});
  await group.until(/Ctrl-C stops everything/);
  const { base } = await group.untilServing();
  const [platform] = /http:\/\/localhost:\d+(?=\/__sim\/expire)/.exec(group.output()) ?? [];
  await healedCall(t, base, String(platform));
});

test('the image with an account heals a call, with its AppSecret in a mounted file', async (t) => {
  const [, run] = dockerRuns('docs/install.md');
  const file = join(temporaryFolder(t), 'appsecret');
  writeFileSync(file, DEMO_APP.secret, { mode: 0o400 });
  t.deepEqual(run?.mounted, [run?.env['WECHAT_APPSECRET_FILE']]);
  t.true('WECHAT_APPID' in (run?.env ?? {}));
  const simulator = await startRole(t, 'simulator');
  const group = start(t, run, {
    WECHAT_APPID: DEMO_APP.appid,
    WECHAT_APPSECRET_FILE: file,
    WECHAT_SIDECAR_UPSTREAMS: simulator.base,
  });
  await healedCall(t, (await group.untilServing()).base, simulator.base);
});

/** As the Dockerfile starts it: `proxy` where no command is given. */
function start(t: ExecutionContext, run: DockerRun | undefined, env: Record<string, string>): ProcessGroup {
  const [, fallback = ''] = /^CMD \["(\w+)"\]$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
  const { command = [] } = run ?? {};
  return new ProcessGroup(t, [process.execPath, CLI, ...(command.length > 0 ? command : [fallback])], {
    env: {
      ...run?.env,
      ...env,
      TMPDIR: temporaryFolder(t),
      WECHAT_SIDECAR_LISTEN: 'localhost:0',
      WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
    },
  });
}
