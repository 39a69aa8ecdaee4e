import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { missingTools, runTool } from './support/tools.ts';

const FOLDER = '.github/workflows';
const FILES = readdirSync(FOLDER).map((name) => join(FOLDER, name));

const missing = missingTools('actionlint');
const withLinter = missing === undefined ? test : test.skip;
const because = missing === undefined ? '' : ` (skipped: ${missing})`;

interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string;
  readonly steps?: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[];
}

function jobs(path: string): [name: string, job: Job][] {
  return Object.entries((parse(readFileSync(path, 'utf8')) as Workflow).jobs);
}

withLinter(`actionlint finds nothing in the workflows${because}`, async (t) => {
  const { code, out, err } = await runTool('actionlint', ['-no-color', ...FILES]);
  t.is(out + err, '');
  t.is(code, 0);
});

withLinter(`a wrong expression would be found${because}`, async (t) => {
  const text = readFileSync(join(FOLDER, 'release.yml'), 'utf8');
  const { code, out } = await runTool('actionlint', ['-'], text.replace('needs.version.', 'needs.versions.'));
  t.not(code, 0);
  t.regex(out, /"versions"/);
});

test('every action is pinned to a commit, with its version', (t) => {
  const used = FILES.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/^.*\buses: (.*)$/gm)]);
  t.true(used.length > 10);
  for (const [line, what = ''] of used) {
    if (!what.startsWith('./')) t.regex(what, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, line);
  }
  // One commit for one action, everywhere.
  const pins = new Map(used.map(([, what = '']) => [what.split('@')[0], what]));
  t.deepEqual(new Set(used.map(([, what = '']) => what)), new Set(pins.values()));
});

test('a workflow has only the permissions that its jobs name, and none may write to the repository', (t) => {
  for (const path of FILES) {
    t.deepEqual((parse(readFileSync(path, 'utf8')) as Workflow).permissions, {}, path);
    for (const [name, job] of jobs(path)) {
      const { contents, ...others } = job.permissions ?? {};
      t.is(contents, 'read', `${path} ${name}`);
      const isRelease = job.environment === 'release';
      if (!isRelease) t.deepEqual(others, {}, `${path} ${name}`);
      if (job.uses === undefined) t.true((job['timeout-minutes'] ?? 0) > 0, `${path} ${name}`);
    }
  }
});

test('no checkout keeps a credential, and no script contains an expression', (t) => {
  for (const path of FILES) {
    for (const step of jobs(path).flatMap(([, job]) => job.steps ?? [])) {
      if (step.uses?.startsWith('actions/checkout@')) t.like(step.with, { 'persist-credentials': false });
      t.notRegex(step.run ?? '', /\$\{\{/, path);
    }
  }
});
