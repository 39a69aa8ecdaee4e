// Installs the programs that some tests need, from Debian's packages; needs root if one is missing. A test
// whose program is missing is skipped, and says so.
//
//   node scripts/test-servers.mjs     (`npm test` does it first)
import { spawnSync } from 'node:child_process';

/** Programs, and the packages that contain them. */
const PROGRAMS = [
  ['redis-server', 'redis-server'],
  ['chromium', 'chromium'],
  ['tinyproxy', 'tinyproxy-bin'],
];

const missing = PROGRAMS.filter(([program]) => !isThere(program)).map(([, packageName]) => packageName);
if (missing.length === 0) {
  console.log('All programs are there.');
} else if (spawnSync('apt-get', ['--version']).status !== 0 || process.getuid?.() !== 0) {
  console.log(`Missing, and left so: ${missing.join(', ')} (this needs Debian's apt-get, and root).`);
} else {
  // The package list is updated only if the installation fails.
  const installed = install() || (run('apt-get', ['update', '--quiet']) && install());
  if (!installed) console.log(`Could not be installed: ${missing.join(', ')}. Their tests are skipped.`);
}

function isThere(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function install() {
  return run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
}

function run(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { stdio: 'inherit', env }).status === 0;
}
