import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const MAJOR = process.versions.node.split('.')[0];

// It reads what processes use from /proc.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux(
  'a quick run starts the sidecar beside an empty server, and prints what their calls cost',
  async (t) => {
    const options = `--quick --rounds 1 --shapes get --only empty,sidecar-${MAJOR} --beside dist/cli.js`;
    const args = [MAIN, ...options.split(' ')];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    t.regex(stdout, /^\| empty-\d+ +\| +nothing \| +[\d.,]+ \|$/m);
    t.regex(stdout, new RegExp(`^\\| sidecar-${MAJOR} +\\| +all \\| +[\\d.,]+ \\|$`, 'm'));
    t.regex(stdout, /^\| sidecar-beside-\d+ +\| +all \| +[\d.,]+ \|$/m);
    t.regex(stdout, /^not measured +sidecar-24: p99 at 500\/s/m);
    t.notRegex(stdout, /does not serve|calls failed/);
  },
);

test('a system or shape that does not exist is named, and nothing is measured', async (t) => {
  const args = ['--only', 'nginx,sidekick', '--shapes', 'put'];
  const error = await t.throwsAsync(promisify(execFile)(process.execPath, [MAIN, ...args]), { code: 1 });
  t.regex(
    (error as Error & { stdout: string }).stdout,
    /^Cannot measure put, sidekick: no such system or shape/,
  );
});
