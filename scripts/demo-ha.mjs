// Two hubs on one Redis, two sidecars, and constant calls, while hubs are killed at random, Redis is wiped,
// and the platform replaces the token. Shows how many calls failed: none should.
//
//   npm run demo:ha                    until Ctrl-C, ten minutes at most
//   npm run demo:ha -- --seconds 30
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SECONDS_MAX = 600;
const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const APPID = 'wx000000000000de30';
const APPSECRET = 'de30de30de30de30de30de30de30de30';

const seconds = readSeconds();
const endMs = performance.now() + seconds * 1_000;
const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-ha-'));
const children = new Set();
const count = { calls: 0, healed: 0, failed: 0, kills: 0, wipes: 0, replaced: 0 };
const state = { hubs: new Map(), lastFailure: '', isOver: false };

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (state.isOver = true));

await main();
process.exit(count.failed === 0 ? 0 : 1);

async function main() {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    console.error('There is no redis-server here. On Debian: apt-get install redis-server');
    process.exit(1);
  }
  const key = randomBytes(12).toString('hex');
  const keyFile = join(folder, 'client-key');
  writeFileSync(keyFile, key, { mode: 0o600 });
  const redisPort = await startRedis();
  const platform = `http://127.0.0.1:${(await startRole('simulator', {})).port}`;
  const hubs = await startHubs(platform, redisPort, keyFile);
  const sidecars = await startSidecars(platform, hubs, keyFile);
  console.log(`
  Two hubs on one Redis, two sidecars, a simulated platform. Hubs are killed at random (kill -9).
  A hub's page: ${hubs.map(({ url }) => `${url}/`).join('  or  ')}   (log in with the key ${key})
  ${process.stdout.isTTY ? 'Ctrl-C stops everything.' : `It ends after ${seconds} s.`}
`);
  const jobs = [killHubs(hubs), disturb(platform, redisPort), show(platform)];
  const business = sidecars.map((url) => callFor(url));
  await Promise.all([...jobs, ...business]);
  console.log(
    `\n\n  ${count.calls} calls, ${count.failed} failed, while hubs were killed ${count.kills} times.`,
  );
  if (count.failed > 0) console.log(`  The last failure: ${state.lastFailure}`);
}

function readSeconds() {
  const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
  const given = Number(values.seconds ?? SECONDS_MAX);
  if (given > 0 && given <= SECONDS_MAX) return given;
  console.error(`--seconds: got ${values.seconds}; a number from 1 to ${SECONDS_MAX} is accepted`);
  return process.exit(1);
}

function isRunning() {
  return !state.isOver && performance.now() < endMs;
}

/** Sleeps, but not past the end. */
async function sleep(ms) {
  for (let leftMs = ms; leftMs > 0 && isRunning(); leftMs -= 100) await pause(Math.min(leftMs, 100));
}

async function startRedis() {
  const port = await freePort();
  const options = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  await start('redis-server', options, {}, /Ready to accept connections/);
  return port;
}

async function startHubs(platform, redisPort, keyFile) {
  const hubs = [];
  for (const name of ['a', 'b']) {
    const port = await freePort();
    const env = {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform,
      WECHAT_SIDECAR_STORE: `redis://127.0.0.1:${redisPort}`,
      WECHAT_HUB_CLIENT_KEY_FILE: keyFile,
      WECHAT_SIDECAR_LISTEN: `127.0.0.1:${port}`,
    };
    const hub = { name, url: `http://127.0.0.1:${port}`, env, child: undefined };
    hub.child = (await startRole('hub', env)).child;
    state.hubs.set(name, 'up');
    hubs.push(hub);
  }
  return hubs;
}

async function startSidecars(platform, [a, b], keyFile) {
  const urls = [];
  for (const order of [
    [a, b],
    [b, a],
  ]) {
    const { port } = await startRole('proxy', {
      WECHAT_SIDECAR_UPSTREAMS: platform,
      WECHAT_SIDECAR_HUB_URL: order.map(({ url }) => url).join(','),
      WECHAT_SIDECAR_HUB_TOKEN_FILE: keyFile,
    });
    urls.push(`http://127.0.0.1:${port}`);
  }
  return urls;
}

/** Never both at once: nothing could then fetch a new token. */
async function killHubs(hubs) {
  while (isRunning()) {
    await sleep(2_000 + Math.random() * 4_000);
    if (!isRunning()) return;
    const hub = hubs[Math.floor(Math.random() * hubs.length)];
    hub.child.kill('SIGKILL');
    count.kills += 1;
    state.hubs.set(hub.name, 'killed');
    await sleep(1_000 + Math.random() * 2_000);
    if (!isRunning()) return;
    hub.child = (await startRole('hub', hub.env)).child;
    state.hubs.set(hub.name, 'up');
  }
}

/** Refreshes the account's token from outside, and sometimes wipes Redis. */
async function disturb(platform, redisPort) {
  for (let times = 1; isRunning(); times += 1) {
    await sleep(5_000);
    if (!isRunning()) return;
    await fetch(`${platform}/__sim/overwrite`, { method: 'POST' });
    count.replaced += 1;
    if (times % 3 !== 0) continue;
    spawnSync('redis-cli', ['-p', redisPort, 'flushall']);
    count.wipes += 1;
  }
}

/** A business program that knows nothing about tokens. */
async function callFor(url) {
  while (isRunning()) {
    const answer = await ask(`${url}/cgi-bin/getcallbackip`).catch((error) => ({ error: String(error) }));
    count.calls += 1;
    if (answer.error !== undefined || answer.body.errcode !== undefined) {
      count.failed += 1;
      state.lastFailure = answer.error ?? JSON.stringify(answer.body);
    } else if (/replay=1/.test(answer.how)) count.healed += 1;
    await pause(20);
  }
}

function ask(url) {
  return new Promise((resolve, reject) => {
    get(url, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (part) => (text += part));
      res.on('end', () => resolve({ body: JSON.parse(text), how: String(res.headers['x-wechat-sidecar']) }));
      res.on('error', reject);
    }).on('error', reject);
  });
}

async function show(platform) {
  const startMs = performance.now();
  while (isRunning()) {
    await sleep(process.stdout.isTTY ? 250 : 2_000);
    const fetched = await costs(platform);
    const hubs = [...state.hubs].map(([name, how]) => `${name} ${how}`).join(', ');
    const seen = `${Math.round((performance.now() - startMs) / 1_000)} s`;
    const line =
      `  ${seen}  calls ${count.calls}  failed ${count.failed}  healed ${count.healed}` +
      ` | hubs: ${hubs} (${count.kills} kills)` +
      ` | token replaced ${count.replaced}x, Redis wiped ${count.wipes}x, fetches ${fetched}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${line}`);
    else console.log(line);
  }
}

async function costs(platform) {
  const { apps } = await (await fetch(`${platform}/__sim/counters`)).json();
  const { stableFetches, forcedFetches } = apps[APPID];
  return `${stableFetches + forcedFetches} (${forcedFetches} forced)`;
}

/** Starts a role of the product in its own process; returns where it listens. */
async function startRole(role, env) {
  const common = { WECHAT_SIDECAR_LISTEN: '127.0.0.1:0', WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0' };
  const { child, line } = await start(
    process.execPath,
    [CLI, role],
    { ...common, ...env },
    /"event":"serving"/,
  );
  const [address] = JSON.parse(line).listen;
  return { child, port: Number(address.split(':').at(-1)) };
}

/** Resolves with the first line of its output that matches. */
function start(command, args, env, isReady) {
  // In their own groups: a terminal's Ctrl-C is for this script, and they must outlive the last call.
  const child = spawn(command, args.map(String), {
    detached: true,
    env: { PATH: process.env.PATH, ...env },
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  return new Promise((resolve, reject) => {
    let output = '';
    child.once('close', () => reject(new Error(`${command} ${args[1] ?? ''} ended:\n${output}`)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-20_000);
        const line = output.split('\n').find((one) => isReady.test(one));
        if (line !== undefined) resolve({ child, line });
      });
    }
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
