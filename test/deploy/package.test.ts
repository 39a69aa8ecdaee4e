import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ProcessGroup } from '../support/group.ts';
import { healedCall } from '../support/healed-call.ts';

/**
 * The package as a user gets it: packed from a tree without anything built, and installed into an empty
 * folder. Only its dependencies come from the registry.
 */
const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-package-'));
const home = join(folder, 'home');
const empty = join(folder, 'empty');
const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: folder, npm_config_cache: npmCache() };

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const packed = pack();
const unavailable = install();

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const whenInstalled = unavailable === undefined ? test.serial : test.serial.skip;
const because = unavailable === undefined ? '' : ` (SKIPPED: ${unavailable})`;

/** Without the caches of this machine, it would have to fetch every dependency again. */
function npmCache(): string {
  return spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).stdout.trim();
}

function pack(): Packed {
  const tree = join(folder, 'tree');
  for (const path of [home, empty, tree]) mkdirSync(path);
  // Without a manifest, npm would install into the next folder above that has one, or node_modules.
  writeFileSync(join(empty, 'package.json'), '{ "private": true }');
  for (const entry of readdirSync('.', { withFileTypes: true })) {
    const { name } = entry;
    if (/^(?:\.git|\.cache|node_modules|dist|build)(?:$|-)/.test(name)) continue;
    cpSync(name, join(tree, name), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(resolve('node_modules'), join(tree, 'node_modules'));
  const run = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: tree,
    env,
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`npm pack: ${run.stderr}`);
  const [only] = JSON.parse(run.stdout.slice(run.stdout.indexOf('['))) as Packed[];
  if (only === undefined) throw new Error(run.stdout);
  return only;
}

/** Why it could not be installed: the registry cannot be reached. Anything else is a failure. */
function install(): string | undefined {
  const tarball = join(folder, packed.filename);
  const how = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const run = spawnSync('npm', ['install', ...how, tarball], { cwd: empty, env, encoding: 'utf8' });
  if (run.status === 0) return undefined;
  const [code] =
    /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/.exec(run.stderr) ?? [];
  if (code === undefined) throw new Error(`npm install: ${run.stderr}`);
  return `the package registry cannot be reached, ${code}`;
}

test('the package contains the program, its documents and the systemd units, and nothing else', (t) => {
  const paths = packed.files.map(({ path }) => path).toSorted();
  const code = paths.filter((path) => /^dist\/[\w-]+\.c?js(?:\.map)?$/.test(path));
  const assets = readdirSync('src/hub/page/assets')
    .filter((name) => name !== 'tsconfig.json')
    .map((name) => `src/hub/page/assets/${name}`);
  const docs = readdirSync('docs').map((name) => `docs/${name}`);
  const units = readdirSync('deploy/systemd').map((name) => `deploy/systemd/${name}`);
  const top = [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'README.zh-CN.md',
    'dist/THIRD-PARTY-NOTICES.txt',
    'package.json',
    'settings.schema.json',
  ];
  t.true(code.includes('dist/cli.js'));
  t.deepEqual(paths, [...code, ...assets, ...docs, ...units, ...top].toSorted());
});

whenInstalled(`only the dependencies of the product are installed${because}`, (t) => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object };
  const there = readdirSync(join(empty, 'node_modules'));
  for (const name of Object.keys(dependencies)) t.true(there.includes(name), name);
  for (const name of ['typescript', 'ava', 'oxlint', 'prettier']) t.false(there.includes(name), name);
});

whenInstalled(
  `npx wechat-sidecar demo heals a call, and npx wechat-sidecar check sees its account${because}`,
  async (t) => {
    const free = { WECHAT_SIDECAR_LISTEN: 'localhost:0', WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0' };
    const npx = ['npx', '--no-install', 'wechat-sidecar'];
    const demo = new ProcessGroup(t, [...npx, 'demo'], { cwd: empty, env: { ...env, ...free } });
    await demo.until(/Ctrl-C stops everything/);
    const { base } = await demo.untilServing();
    const [platform] = /http:\/\/localhost:\d+(?=\/__sim\/expire)/.exec(demo.output()) ?? [];

    await healedCall(t, base, String(platform));

    const account = {
      WECHAT_APPID: DEMO_APP.appid,
      WECHAT_APPSECRET: DEMO_APP.secret,
      WECHAT_SIDECAR_UPSTREAMS: String(platform),
    };
    const check = new ProcessGroup(t, [...npx, 'check'], { cwd: empty, env: { ...env, ...account } });
    t.is(await check.exited, 0, check.output());
    t.true(check.output().includes(DEMO_APP.appid), check.output());

    // As Ctrl-C in a terminal, which npx does not survive.
    demo.signal('SIGINT');
    await demo.until(/"callsCut":0,"event":"stopped"/);
  },
);

whenInstalled(`the version that it prints is the one in its manifest${because}`, async (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const run = new ProcessGroup(t, ['npx', '--no-install', 'wechat-sidecar', '--version'], {
    cwd: empty,
    env,
  });
  t.is(await run.exited, 0);
  t.regex(run.output(), new RegExp(String.raw`\b${version.replaceAll('.', String.raw`\.`)}\b`));
});
