import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serialRedisTest } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BUILT = fileURLToPath(new URL('../../src', import.meta.url));

// A user tries `npm run demo:ha`, which kills hubs while calls are made, and presses Ctrl-C. It must print
// its summary with 0 failed calls instead of a stack trace, exit with 0, and leave no process or file behind.
serialRedisTest('Ctrl-C ends demo:ha with a summary of its calls, and nothing is left behind', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'scripts'));
  mkdirSync(join(folder, 'tmp'));
  copyFileSync('scripts/demo-ha.mjs', join(folder, 'scripts', 'demo-ha.mjs'));
  symlinkSync(BUILT, join(folder, 'dist'));
  const demo = spawn(process.execPath, [join(folder, 'scripts', 'demo-ha.mjs'), '--seconds', '120'], {
    detached: true,
    env: { PATH: process.env['PATH'], TMPDIR: join(folder, 'tmp') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = new Promise((resolve) => void demo.once('close', resolve));
  t.teardown(() => demo.kill('SIGTERM'));
  while (!/calls [1-9]/.test(output) && demo.exitCode === null) await pause(50);
  // To the whole process group, as a terminal does.
  process.kill(-(demo.pid ?? 0), 'SIGINT');
  t.is(await exited, 0, output);
  t.regex(output, /\d+ calls, 0 failed, while hubs were killed \d+ times\.\n$/);
  t.notRegex(output, /Error|\n\s+at /);
  t.deepEqual(readdirSync(join(folder, 'tmp')), []);
});
