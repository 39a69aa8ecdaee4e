// Compiles whenever a source file changes, and restarts the command. Ctrl-C ends both.
//
//   npm run dev                         the demo, or the proxy if an account is set
//   npm run dev -- hub --config FILE    any command with its options
import { spawn } from 'node:child_process';
import { utimesSync, watch } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
let running;

// They are read and not compiled, so Node does not watch them. It restarts the command when this file is touched.
watch(`${root}src/hub/page/assets`, () => {
  if (running !== undefined) utimesSync(`${root}dist/cli.js`, new Date(), new Date());
}).unref();

// The reader of our output has gone.
process.stdout.on('error', stop);

// In its own group: the compiler is a child of the process that is started.
const tsc = start(
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--watch', '--preserveWatchOutput'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  },
);
tsc.stdout.setEncoding('utf8').on('data', (text) => {
  process.stdout.write(text);
  // The code compiles; from then on Node itself watches the changed files.
  if (text.includes('Found 0 errors')) {
    running ??= start(['--watch', 'build/src/cli.js', ...process.argv.slice(2)], { stdio: 'inherit' });
  }
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop);

function start(args, options) {
  // One is useless without the other.
  return spawn(process.execPath, args, { cwd: root, ...options }).once('exit', stop);
}

function stop() {
  running?.kill('SIGTERM');
  try {
    process.kill(-Number(tsc.pid), 'SIGTERM');
  } catch {
    // It has exited.
  }
}
