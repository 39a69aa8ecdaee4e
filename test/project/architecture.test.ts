import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import {
  filesBelow,
  findCycle,
  findUnreached,
  readSources,
  type SourceFile,
} from '../support/source-tree.ts';

/** Lower folders never import higher ones, and folders of one rank never import each other. */
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  token: 1,
  wechat: 2,
  'hub-api': 3,
  store: 3,
  upstream: 3,
  server: 3,
  kubernetes: 3,
  lease: 4,
  'hub-client': 4,
  settings: 4,
  keeper: 5,
  proxy: 6,
  hub: 6,
  injector: 6,
  simulator: 6,
  roles: 7,
  cli: 8,
};
const ENTRY = 'src/cli.ts';

/** Where the project's own text files are. */
const TREES = ['src', 'test', 'bench', 'docs', 'k8s', 'charts', 'deploy', 'examples', '.ci', '.github'];

/** Which files may import a package. A package that is missing here has no door yet. */
const DOORS: Readonly<Record<string, RegExp>> = {
  'http-proxy': /^src\/proxy\/http-proxy\.ts$/,
  'prom-client': /^src\/server\/(?:process-)?metrics\.ts$/,
  pino: /^src\/base\/log\.ts$/,
  koa: /^src\/(?:server|proxy|hub|injector|simulator)\//,
  'koa-router': /^src\/(?:server|hub|injector|simulator)\//,
  'lru-cache': /^src\/(?:base\/lru-table|simulator\/world)\.ts$/,
  yaml: /^src\/settings\//,
  zod: /^src\/(?:hub|hub-api|injector|kubernetes|settings|simulator|store)\//,
  selfsigned: /^src\/(?:(?:simulator|injector)\/certificate|server\/self-signed)\.ts$/,
  ioredis: /^src\/store\//,
  // Optional, and loaded only where a collector is named.
  '@opentelemetry/api': /^src\/roles\/tracing\.ts$/,
  '@opentelemetry/exporter-trace-otlp-http': /^src\/roles\/tracing\.ts$/,
  '@opentelemetry/resources': /^src\/roles\/tracing\.ts$/,
  '@opentelemetry/sdk-trace': /^src\/roles\/tracing\.ts$/,
};

/** What only one file, or a few named ones, may touch. */
const WORDS: readonly (readonly [what: string, pattern: RegExp, where: RegExp])[] = [
  ['the process', /(?<![\w.])process\s*[.[]|'node:process'/, /^src\/cli\.ts$/],
  [
    'the clock',
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b/,
    /^src\/base\/(?:clock|log)\.ts$/,
  ],
  ['a timer', /(?<![\w.])set(?:Timeout|Interval)\(|'node:timers/, /^src\/base\/clock\.ts$/],
  ['chance', /\bMath\.random\b|\brandom(?:Bytes|Int|UUID)\b/, /^src\/base\/random\.ts$/],
  ['standard output', /(?<![\w.])console\./, /^src\/cli\.ts$/],
  ['any', /(?::|\bas|<)\s*any\b/, /^$/],
];

const sources = readSources('src');
const folders = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && filesBelow(join('src', entry.name)).length > 0)
  .map((entry) => entry.name);

test('a folder imports lower folders only, and the entry file imports only the command line', (t) => {
  for (const folder of folders) t.true(folder in RANKS, `src/${folder} has no rank`);
  for (const { path, imports } of sources) {
    for (const target of imports) {
      const [from, to] = [folderOf(path), folderOf(target)];
      if (from === to) continue;
      t.true(rankOf(to) < rankOf(from), `${path} imports ${target}`);
    }
  }
});

test('there is no cycle of imports', (t) => {
  t.is(findCycle(sources)?.join(' -> '), undefined);
});

test('every package is imported only where it may be', (t) => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const { path, packages } of sources) {
    for (const name of packages) {
      const isKnown = name in manifest.dependencies || name in manifest.peerDependencies;
      t.true(isKnown, `${path} imports ${name}, which is no dependency`);
      t.regex(path, DOORS[name] ?? /^$/, `${path} imports ${name}`);
    }
  }
});

test('every dependency is used, and has an exact version', (t) => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  const { dependencies, devDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const used = new Set(sources.flatMap(({ packages }) => packages));
  for (const name of Object.keys(dependencies)) t.true(used.has(name), `${name} is not imported`);
  for (const [name, range] of Object.entries(peerDependencies)) {
    t.true(used.has(name), `${name} is not imported`);
    t.true(peerDependenciesMeta[name]?.optional, `${name} is asked for of everybody`);
    t.true(
      String(devDependencies[name]).startsWith(String(range).slice(1, 4)),
      `${name} is tested in another version`,
    );
  }
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    t.regex(String(version), /^\d+\.\d+\.\d+$/, name);
  }
});

test('the process, the clock, timers, randomness and the console are used only where they may be', (t) => {
  for (const [what, pattern, where] of WORDS) {
    for (const { path, code } of sources) {
      if (!where.test(path)) t.notRegex(code, pattern, `${path} touches ${what}`);
    }
  }
});

test('no file is longer than 400 lines, and no function is longer than 70', (t) => {
  t.deepEqual(sizeFaults(['src', 'test']), []);
});

test('a function of 71 lines and a file of 401 would be found', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'function.ts'), `export function f(): void {\n${'  f();\n'.repeat(69)}}\n`);
  writeFileSync(join(folder, 'file.ts'), 'f();\n'.repeat(401));
  const faults = sizeFaults([folder]);
  t.is(faults.length, 2);
  t.regex(faults.join('\n'), /function\.ts: .*71/);
  t.regex(faults.join('\n'), /file\.ts: .*401/);
});

test('these tests read a file correctly', (t) => {
  const listen = sources.find(({ path }) => path === 'src/server/listen.ts');
  t.true(listen?.imports.includes('src/base/clock.ts'));
  const metrics = sources.find(({ path }) => path === 'src/server/metrics.ts');
  t.deepEqual([...new Set(metrics?.packages)], ['prom-client']);
  const clock = sources.find(({ path }) => path === 'src/base/clock.ts');
  for (const [what, pattern] of WORDS.slice(1, 3)) t.regex(clock?.code ?? '', pattern, what);
  const file = (path: string, ...imports: string[]): SourceFile => ({
    path,
    text: '',
    code: '',
    imports,
    packages: [],
  });
  const ring = [file('a', 'b'), file('b', 'c'), file('c', 'b'), file('d', 'a')];
  t.deepEqual(findCycle(ring), ['b', 'c', 'b']);
  t.deepEqual(findUnreached(ring, 'a'), ['d']);
});

(existsSync(ENTRY) ? test : test.skip)(
  'every source file is imported, directly or not, by the entry file',
  (t) => {
    t.deepEqual(findUnreached(sources, ENTRY), []);
  },
);

test('every folder of tests has a folder that it tests', (t) => {
  const others = new Set([
    'support',
    'project',
    'attack',
    'journeys',
    'deploy',
    'examples',
    'ha',
    'sdks',
    'k8s',
    'bench',
    'simulation',
    'fuzz',
    'versions',
  ]);
  for (const entry of readdirSync('test', { withFileTypes: true })) {
    if (!entry.isDirectory() || others.has(entry.name)) continue;
    t.true(folders.includes(entry.name), `test/${entry.name} has no src/${entry.name}`);
  }
});

test('nothing is marked as unfinished, no test is disabled, and no machine of ours is named', (t) => {
  // Written in parts, so that this file does not name them either.
  const marks = new RegExp(
    [
      String.raw`\b(?:TO${'DO'}|FIX${'ME'}|HA${'CK'}|XX${'X'})\b`,
      String.raw`not ${'implemented'}`,
      String.raw`\btest\.(?:on${'ly'}|ski${'p'}|fai${'ling'})\(`,
      String.raw`registry\.${'npm'}`,
      String.raw`/${'work'}/(?:main|shared)`,
    ].join('|'),
    'i',
  );
  for (const path of textFiles()) t.notRegex(readFileSync(path, 'utf8'), marks, path);
});

test('the map in ARCHITECTURE.md names the folders of src, in the order of their ranks, and no others', (t) => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8');
  const named = [...text.matchAll(/^\| `src\/([a-z-]+)\/`/gm)].map((match) => String(match[1]));
  t.deepEqual(named.toSorted(), folders.toSorted());
  t.deepEqual(
    named.map((name) => rankOf(name)),
    named.map((name) => rankOf(name)).toSorted((a, b) => a - b),
  );
});

test('every relative link in the documents has a target', (t) => {
  for (const path of textFiles().filter((file) => file.endsWith('.md'))) {
    const text = readFileSync(path, 'utf8').replaceAll(/```[^]*?```/g, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target === undefined || /^(?:[a-z]+:|#)/.test(target)) continue;
      const file = join(dirname(path), decodeURIComponent(target.replace(/#.*$/, '')));
      t.true(existsSync(file), `${path} links to ${target}`);
    }
  }
  t.pass();
});

function folderOf(path: string): string {
  const parts = path.split('/');
  return parts.length === 2 ? ENTRY : String(parts[1]);
}

function rankOf(folder: string): number {
  return folder === ENTRY ? 9 : (RANKS[folder] ?? -1);
}

/** What the linter says about the sizes of a file and its functions; it reads the code as a compiler does. */
function sizeFaults(paths: readonly string[]): string[] {
  const linter = join('node_modules', 'oxlint', 'bin', 'oxlint');
  const run = spawnSync(
    process.execPath,
    [linter, '--config', '.oxlintrc.json', '--format', 'json', ...paths],
    { encoding: 'utf8' },
  );
  const { diagnostics } = JSON.parse(run.stdout) as {
    diagnostics: { code: string; message: string; filename: string }[];
  };
  return diagnostics
    .filter(({ code }) => code.includes('max-lines'))
    .map(({ filename, message }) => `${filename}: ${message}`);
}

function textFiles(): string[] {
  const top = readdirSync('.', { withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.(?:md|json|mjs)$|^(?:Dockerfile|LICENSE|\..*ignore)$/.test(entry.name),
    )
    .map((entry) => entry.name)
    .filter((name) => name !== 'package-lock.json');
  return [...top, ...TREES.flatMap(filesBelow)];
}
