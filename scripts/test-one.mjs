// Compiles what changed since the last time, and runs the named test files.
//
//   npm run test:one -- test/token/machine.test.ts
//   npm run test:one -- test/token/machine.test.ts --match '*42001*'
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [files, options] = split(process.argv.slice(2));
const missing = files.filter((file) => !existsSync(file));
if (files.length === 0 || missing.length > 0) {
  console.error(
    missing.length > 0 ? `No such file: ${missing.join(', ')}` : 'Usage: npm run test:one -- FILE…',
  );
  process.exit(1);
}

// The build info lies next to its output, so that `npm run clean` removes both.
run(
  'typescript/bin/tsc',
  '-p',
  'tsconfig.test.json',
  '--incremental',
  '--tsBuildInfoFile',
  'build/.tsbuildinfo',
);
run('ava/entrypoints/cli.mjs', ...files.map((file) => `build/${file.replace(/\.ts$/, '.js')}`), ...options);

function split(given) {
  const first = given.findIndex((word) => word.startsWith('-'));
  return first < 0 ? [given, []] : [given.slice(0, first), given.slice(first)];
}

function run(program, ...args) {
  const { status } = spawnSync(process.execPath, [`node_modules/${program}`, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
