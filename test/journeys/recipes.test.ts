import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { parseSettings } from '../../src/settings/parse.ts';
import { freePort } from '../support/free-port.ts';
import { recipesIn, type Recipe, type ShownFile } from '../support/recipes.ts';
import { temporaryFolder } from '../support/temporary.ts';

/**
 * Runs every `sh` block of the documents as written, in the order of the document, like a reader with a
 * clone, curl and openssl. Two things differ: the ports, because those of the documents may be in use on
 * this machine, and `curl`, which fails on HTTP errors and has a time limit. A line that starts a role runs
 * in its own terminal, until the document starts another role of that kind.
 */
const DOCUMENTS = ['README.md', 'README.zh-CN.md', 'k8s/README.md', 'k8s/README.zh-CN.md', ...docsIn('docs')];

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const USUAL_PORTS: Readonly<Record<string, number>> = { proxy: 3880, hub: 3882, simulator: 3884 };
const CURL = 'curl() { command curl -sSf --max-time 20 "$@"; }';
const START_MS_MAX = 60_000;

/** Requirements of blocks that cannot run here, by the words that identify them. */
const NEEDS: readonly (readonly [words: RegExp, needs: string])[] = [
  [/^(?:kubectl|kind|helm) /m, 'a cluster; npm run test:k8s has its own'],
  [/^(?:\w+=\S+ )?docker /m, 'Docker; test/deploy runs the same as processes'],
  [/^sudo /m, 'systemd; test/deploy runs the same as processes'],
  [/WECHAT_APPID=wx…/, 'an account of WeChat'],
  [/^npm /m, 'to install and build; the journeys of the demo and of npm start have the rest'],
];

const tools = ['curl', 'openssl'].filter((name) => spawnSync(name, ['version']).error !== undefined);

for (const path of DOCUMENTS) {
  const recipes = recipesIn(path);
  const runnable: (Recipe | ShownFile)[] = [];
  for (const recipe of recipes) {
    const why = 'steps' in recipe ? whyNot(recipe) : undefined;
    if (why === undefined) runnable.push(recipe);
    else skip(`the recipe at ${recipe.place} runs (SKIPPED, it needs ${why})`);
  }
  if (!runnable.some((recipe) => 'steps' in recipe)) continue;
  const title = `the recipes of ${path} run as written`;
  if (tools.length > 0) skip(`${title} (SKIPPED, without ${tools.join(' and ')})`);
  else test.serial(title, (t) => follow(t, runnable));
}

test('the settings files in the documents are accepted', (t) => {
  const shown = DOCUMENTS.flatMap((path) => recipesIn(path).filter((it) => 'name' in it)).filter(({ name }) =>
    /^(?:hub|settings)\./.test(name),
  );
  t.true(shown.length >= 2);
  for (const { place, text } of shown) {
    const whole = text.replaceAll(/\b([0-9a-f]{8})…/g, (_, start: string) => start.repeat(8));
    const parsed = parseSettings({
      env: {},
      role: 'hub',
      file: { path: place, text: whole },
      readFile: () => 'ab'.repeat(16),
    });
    t.deepEqual(parsed.kind === 'bad' ? parsed.problems : [], [], place);
  }
});

function docsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

function skip(title: string): void {
  const { skip: skipped } = test;
  skipped(title, () => undefined);
}

function whyNot({ steps }: Recipe): string | undefined {
  const text = steps.map((step) => step.text).join('\n');
  return NEEDS.find(([words]) => words.test(text))?.[1];
}

async function follow(t: ExecutionContext, recipes: readonly (Recipe | ShownFile)[]): Promise<void> {
  const folder = temporaryFolder(t);
  const bin = join(folder, 'bin');
  const home = join(folder, 'home');
  for (const made of [bin, home]) mkdirSync(made);
  writeFileSync(join(bin, 'wechat-sidecar'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
  chmodSync(join(bin, 'wechat-sidecar'), 0o755);
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: home, TMPDIR: folder };
  const local = await portMap(recipes);
  const terminals = new Map<string, () => Promise<void>>();
  t.teardown(() => Promise.all([...terminals.values()].map((close) => close())));
  let state = CURL;
  for (const recipe of recipes) {
    if ('name' in recipe) {
      writeFileSync(join(home, recipe.name), local.text(recipe.text));
      continue;
    }
    for (const step of recipe.steps) {
      const text = local.text(step.text);
      if (step.kind === 'state') state += `\n${text}`;
      else if (step.kind === 'command') await runCommand(t, recipe.place, { state, text, home, env });
      else {
        await terminals.get(step.role)?.();
        const listen = { WECHAT_SIDECAR_LISTEN: `localhost:${local.port(USUAL_PORTS[step.role] ?? 0)}` };
        terminals.set(step.role, await openTerminal(recipe.place, text, home, { ...env, ...listen }));
      }
    }
  }
}

/** Replaces the ports of the documents with free ones, always the same one for the same port. */
async function portMap(recipes: readonly (Recipe | ShownFile)[]): Promise<{
  readonly port: (usual: number) => number;
  readonly text: (text: string) => string;
}> {
  const texts = recipes.flatMap((it) => ('name' in it ? [it.text] : it.steps.map((step) => step.text)));
  const named = texts.flatMap((text) =>
    [...text.matchAll(/localhost:(\d{4})\b/g)].map(([, port]) => Number(port)),
  );
  const usual = [...new Set([...Object.values(USUAL_PORTS), ...named])];
  const free = await Promise.all(usual.map(() => freePort()));
  const port = (of: number): number => free[usual.indexOf(of)] ?? 0;
  return {
    port,
    text: (text) => text.replaceAll(/localhost:(\d{4})\b/g, (_, of) => `localhost:${port(Number(of))}`),
  };
}

interface Command {
  readonly state: string;
  readonly text: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The command succeeds, and its output is not an error of the platform or ours. */
async function runCommand(
  t: ExecutionContext,
  place: string,
  { state, text, home, env }: Command,
): Promise<void> {
  // A watch never ends by itself.
  const isWatch = / -N /.test(text);
  const command = isWatch ? `${text.replace(' -N ', ' -N --max-time 2 ')} || [ $? = 28 ]` : text;
  const run = promisify(execFile)('sh', ['-euc', `${state}\n${command}`], { cwd: home, env });
  const { stdout } = await run.catch((error: Error) => {
    throw new Error(`${place}: ${text}\n${error.message}`);
  });
  if (isWatch) t.regex(stdout, /^event: token\ndata: \{/m, `${place}: ${text}`);
  if (!stdout.startsWith('{')) return;
  const { errcode = 0, error } = JSON.parse(stdout) as { errcode?: unknown; error?: unknown };
  t.deepEqual({ errcode, error }, { errcode: 0, error: undefined }, `${place}: ${text}\n${stdout}`);
}

/** Starts a role and waits until it serves; returns a function that ends it. */
async function openTerminal(
  place: string,
  text: string,
  home: string,
  env: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const child = spawn('sh', ['-euc', text], {
    cwd: home,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await closed;
  };
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${place}: ${text}\n${why}\n${output}`));
    const timer = setTimeout(() => fail('does not serve'), START_MS_MAX);
    void closed.then(() => fail('has ended'));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part;
        if (!output.includes('"event":"serving"')) return;
        clearTimeout(timer);
        resolve();
      });
    }
  }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return close;
}
