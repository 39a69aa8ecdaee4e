import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { temporaryFolder } from '../support/temporary.ts';
import type { Teardown } from '../support/simulator.ts';

const BUILT = fileURLToPath(new URL('../../src', import.meta.url));
const MANIFEST = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

const withNpm = spawnSync('npm', ['--version']).status === 0 ? test.serial : test.serial.skip;

interface NpmStart {
  readonly npm: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
  /** Signals npm and everything that it has started, as a terminal does. */
  signalAll(signal: NodeJS.Signals): void;
  until(text: string): Promise<void>;
  isServed(): Promise<boolean>;
}

/** `npm start` as in package.json, with the existing build; npm leads its own process group. */
async function npmStart(t: Teardown): Promise<NpmStart> {
  const folder = temporaryFolder(t);
  const { start } = MANIFEST.scripts;
  const manifest = { name: 'x', version: '1.0.0', scripts: { build: 'node -e 0', start } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  mkdirSync(join(folder, 'home'));
  symlinkSync(BUILT, join(folder, 'dist'));
  const npm = spawn('npm', ['start'], {
    cwd: folder,
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: join(folder, 'home'),
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = new Promise<number | null>((resolve) => void npm.once('exit', resolve));
  const signalAll = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-(npm.pid ?? 0), signal);
    } catch {
      // The group is empty.
    }
  };
  t.teardown(() => signalAll('SIGKILL'));
  const until = async (text: string): Promise<void> => {
    while (!output.includes(text)) {
      if (npm.exitCode !== null) throw new Error(`npm ended without "${text}":\n${output}`);
      await pause(20);
    }
  };
  await until('"event":"serving"');
  const line = output.split('\n').find((one) => one.includes('"event":"serving"')) ?? '{}';
  const [address] = (JSON.parse(line) as { listen: string[] }).listen;
  const isServed = async (): Promise<boolean> =>
    fetch(`http://${address}/cgi-bin/getcallbackip`).then(
      ({ ok }) => ok,
      () => false,
    );
  return { npm, output: () => output, exited, signalAll, until, isServed };
}

withNpm('SIGTERM to npm start ends what it has started, in good order', async (t) => {
  const run = await npmStart(t);
  t.true(await run.isServed());
  run.npm.kill('SIGTERM');
  await run.exited;
  t.false(await run.isServed(), 'nothing is left that serves');
  t.true(run.output().includes('"event":"stopped"'), run.output());
});

withNpm('Ctrl-C at npm start is one press, however often its signal is passed on', async (t) => {
  const run = await npmStart(t);
  await run.until('Ctrl-C stops everything');
  const [control] = /http:\/\/localhost:\d+\/__sim(?=\/expire)/.exec(run.output()) ?? [];
  const slow = JSON.stringify({ path: '/cgi-bin/getcallbackip', ms: 1_000 });
  t.is((await fetch(`${control}/delay`, { method: 'POST', body: slow })).status, 200);
  const inFlight = run.isServed();
  const arrived = async (): Promise<boolean> =>
    (await (await fetch(`${control}/arrivals?path=/cgi-bin/getcallbackip`)).text()).includes('"path"');
  while (!(await arrived())) await pause(20);
  run.signalAll('SIGINT');
  t.true(await inFlight, 'its calls in flight are finished');
  await run.exited;
  t.false(await run.isServed());
  t.true(run.output().includes('"event":"stopped"'), run.output());
});
