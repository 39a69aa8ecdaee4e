import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../support/temporary.ts';

/** The rule is newer than this commit and the ones before it. */
const BASE = '8fa27ef8742dcf8b7b116b7d64507f4676b29889';
const LINES_MAX = 150;

/** The commits after `base` that change more than 150 lines and do not say why. Merges and the lock file do not count. */
function commitsWithoutBody(folder: string, base: string): string[] {
  const { stdout } = git(
    folder,
    'log',
    '--no-merges',
    '--numstat',
    '--format=%x00%h %s%x1f%b%x1f',
    `${base}..`,
  );
  return stdout
    .split('\0')
    .slice(1)
    .map((commit) => commit.split('\x1f'))
    .filter(([, body = '', files = '']) => linesIn(files) > LINES_MAX && !hasText(body))
    .map(([subject = '']) => subject);
}

/** Of `git log --numstat`: added and removed lines of each file, or `-` for a binary one. */
function linesIn(files: string): number {
  return [...files.matchAll(/^(\d+)\t(\d+)\t(.*)$/gm)]
    .filter(([, , , path]) => path !== 'package-lock.json')
    .reduce((sum, [, added, removed]) => sum + Number(added) + Number(removed), 0);
}

/** Whether it is more than lines such as `Signed-off-by: …`. */
function hasText(body: string): boolean {
  return body.split('\n').some((line) => line.trim() !== '' && !/^[\w-]+-by: /i.test(line));
}

function git(folder: string, ...args: string[]): { readonly status: number | null; readonly stdout: string } {
  return spawnSync('git', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

const hasHistory = git('.', 'merge-base', '--is-ancestor', BASE, 'HEAD').status === 0;

(hasHistory ? test : test.skip)(
  `a commit with more than 150 changed lines has a body${hasHistory ? '' : ' (SKIPPED: the git history is not here)'}`,
  (t) => {
    t.deepEqual(commitsWithoutBody('.', BASE), []);
  },
);

const hasGit = git('.', '--version').status === 0;

(hasGit ? test : test.skip)(
  `a large commit without a body is found, and no other${hasGit ? '' : ' (SKIPPED: there is no git)'}`,
  (t) => {
    const folder = temporaryFolder(t);
    const run = (...args: string[]): void => {
      const person = ['-c', 'user.name=x', '-c', 'user.email=x@example.com', '-c', 'commit.gpgsign=false'];
      t.is(git(folder, ...person, ...args).status, 0, args.join(' '));
    };
    const commit = (file: string, lines: number, ...message: string[]): void => {
      writeFileSync(join(folder, file), 'x\n'.repeat(lines));
      run('add', '.');
      run('commit', '-q', ...message.flatMap((paragraph) => ['-m', paragraph]));
    };
    run('init', '-q');
    commit('old', 151, 'src: before the rule');
    run('tag', 'base');
    commit('small', 150, 'src: small');
    commit('told', 151, 'src: large, with a reason', 'The reason.');
    commit('large', 151, 'src: large');
    commit('signed', 151, 'src: large, and only signed', 'Signed-off-by: x <x@example.com>');
    commit('package-lock.json', 151, 'src: a new version');
    const found = commitsWithoutBody(folder, 'base').map((line) => line.replace(/^\w+ /, ''));
    t.deepEqual(found, ['src: large, and only signed', 'src: large']);
  },
);
