/**
 * What watchers cost hubs: memory each, time from a new token to the last of them, and CPU at rest. The watchers are
 * spread over the hubs, and over the accounts. Runs for about a minute, and ends by itself.
 *
 *   npx tsc -p tsconfig.test.json && node build/bench/watchers.js [--watchers 2000] [--hubs 1] [--accounts 1] [--rest 30]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { makeLog, silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import { parseSettings } from '../src/settings/parse.ts';
import { startHub } from '../src/roles/hub.ts';
import { makeMetrics } from '../src/server/metrics.ts';
import { DEMO_APP } from '../src/simulator/accounts.ts';
import { makeSimulator } from '../src/simulator/simulator.ts';

const KEY = 'bench-key-0123456789abcdef';
const OPENED_AT_A_TIME = 100;
const PATIENCE_MS = 120_000;

interface Usage {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuMs: number;
}

async function main(): Promise<void> {
  const { watchers: count, hubs: hubCount, accounts, restS } = read();
  const appids = Array.from({ length: accounts }, (_, at) => appidOf(at));
  const apps = appids.map((appid) => ({ appid, secret: DEMO_APP.secret }));
  const simulator = makeSimulator({ clock: systemClock, log: silentLog, apps });
  const platform = createServer(simulator.handler()).listen(0, '127.0.0.1');
  await once(platform, 'listening');
  const origin = `http://127.0.0.1:${(platform.address() as AddressInfo).port}`;
  const hubs = await Promise.all(Array.from({ length: hubCount }, () => startChild(origin, accounts)));
  await untilTokens(hubs, appids);

  const before = await usageOf(hubs);
  const watchers: Watcher[] = [];
  const openedMs = await timed(async () => {
    while (watchers.length < count) {
      const some = Array.from({ length: Math.min(OPENED_AT_A_TIME, count - watchers.length) }, (_, at) =>
        watcherOf(watchers.length + at, hubs, appids),
      );
      watchers.push(...some);
      await Promise.all(some.map((watcher) => watcher.untilEvents(1)));
    }
  });
  await sleep(1_000);
  const after = await usageOf(hubs);
  print('watchers, hubs, accounts', `${count}, ${hubCount}, ${accounts}`);
  print('opened, with the current token', `${Math.round(openedMs)} ms`);
  print('memory per watcher (resident)', kib((after.rssBytes - before.rssBytes) / count));
  print('memory per watcher (heap)', kib((after.heapBytes - before.heapBytes) / count));
  print('memory of all hubs (resident)', `${(after.rssBytes / 1_048_576).toFixed(0)} MiB`);

  const restBefore = await usageOf(hubs);
  await sleep(restS * 1_000);
  const restAfter = await usageOf(hubs);
  const share = (restAfter.cpuMs - restBefore.cpuMs) / (restS * 10);
  print(`CPU at rest, over ${restS} s`, `${share.toFixed(2)} % of one core`);

  await renew(hubs, watchers, appids[0] ?? '', () => simulator.control.overwrite({ appid: appids[0] }));

  for (const watcher of watchers) watcher.close();
  const again = Array.from({ length: count }, (_, at) => watcherOf(at, hubs, appids));
  const againMs = await timed(() => Promise.all(again.map((watcher) => watcher.untilEvents(1))));
  print('all of them back at once', `${Math.round(againMs)} ms`);
  for (const watcher of again) watcher.close();
  for (const hub of hubs) hub.stop();
  platform.closeAllConnections();
  platform.close();
}

/** The token of the first account dies, and a caller of each hub reports it. */
async function renew(
  hubs: readonly Child[],
  watchers: readonly Watcher[],
  appid: string,
  kill: () => void,
): Promise<void> {
  const dead = await call(hubs[0], `/v1/apps/${appid}/token`);
  kill();
  const concerned = watchers.filter((watcher) => watcher.appid === appid);
  const usedBefore = await usageOf(hubs);
  const startMs = performance.now();
  const body = JSON.stringify({ fingerprint: dead['fingerprint'], errcode: 40001 });
  await Promise.all(hubs.map((hub) => call(hub, `/v1/apps/${appid}/token/refresh`, body)));
  await Promise.all(concerned.map((watcher) => watcher.untilEvents(2)));
  const times = concerned.map(({ lastMs }) => lastMs).toSorted((one, other) => one - other);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const usedAfter = await usageOf(hubs);
  const usPerWatcher = ((usedAfter.cpuMs - usedBefore.cpuMs) * 1_000) / concerned.length;
  print('watchers of the account whose token died', `${concerned.length}`);
  print('from the report to the first watcher', `${Math.round(first - startMs)} ms`);
  print('from the first watcher to the last', `${Math.round(last - first)} ms`);
  print('CPU per watcher and token', `${usPerWatcher.toFixed(0)} µs`);
}

function read(): { watchers: number; hubs: number; accounts: number; restS: number } {
  const { values } = parseArgs({
    options: {
      watchers: { type: 'string', default: '2000' },
      hubs: { type: 'string', default: '1' },
      accounts: { type: 'string', default: '1' },
      rest: { type: 'string', default: '30' },
    },
  });
  return {
    watchers: Math.min(20_000, Number(values.watchers)),
    hubs: Math.min(4, Number(values.hubs)),
    accounts: Math.min(2_000, Number(values.accounts)),
    restS: Math.min(300, Number(values.rest)),
  };
}

function appidOf(number: number): string {
  return `wx0123456789${String(100_000 + number)}`;
}

function watcherOf(at: number, hubs: readonly Child[], appids: readonly string[]): Watcher {
  const hub = hubs[at % hubs.length];
  return new Watcher(hub?.port ?? 0, appids[Math.floor(at / hubs.length) % appids.length] ?? '');
}

/** Waits until each hub has a token of each account. */
async function untilTokens(hubs: readonly Child[], appids: readonly string[]): Promise<void> {
  for (const hub of hubs) {
    for (const appid of appids) {
      while ((await call(hub, `/v1/apps/${appid}/token`))['fingerprint'] === undefined) await sleep(100);
    }
  }
}

async function usageOf(hubs: readonly Child[]): Promise<Usage> {
  const all = await Promise.all(hubs.map((hub) => hub.usage()));
  const sum = (of: (usage: Usage) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    rssBytes: sum(({ rssBytes }) => rssBytes),
    heapBytes: sum(({ heapBytes }) => heapBytes),
    cpuMs: sum(({ cpuMs }) => cpuMs),
  };
}

/** Reads as little of a stream as possible, so that measuring costs less than what is measured. */
class Watcher {
  readonly #socket: Socket;
  lastMs = 0;
  #events = 0;
  #onEvent: () => void = () => undefined;

  readonly appid: string;

  constructor(port: number, appid: string) {
    this.appid = appid;
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.write(
      `GET /v1/tokens/watch?appid=${appid} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
    );
    this.#socket.on('data', (chunk: Buffer) => {
      if (!chunk.includes('event: token')) return;
      this.#events += 1;
      this.lastMs = performance.now();
      this.#onEvent();
    });
    this.#socket.on('error', (error) => {
      console.error(`A watcher failed: ${error.message}`);
      process.exitCode = 1;
    });
  }

  async untilEvents(count: number): Promise<void> {
    while (this.#events < count) await new Promise<void>((resolve) => (this.#onEvent = resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}

interface Child {
  readonly port: number;
  usage(): Promise<Usage>;
  stop(): void;
}

/** Runs the hub in its own process, so that its usage is separate from that of the watchers. */
async function startChild(upstream: string, accounts: number): Promise<Child> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['hub', upstream, `${accounts}`], {
    execArgv: ['--expose-gc'],
  });
  const answer = async (): Promise<unknown> => ((await once(child, 'message')) as unknown[])[0];
  const port = (await answer()) as number;
  const patience = setTimeout(() => child.kill(), PATIENCE_MS * 3);
  patience.unref();
  return {
    port,
    async usage() {
      child.send('usage');
      return (await answer()) as Usage;
    },
    stop: () => void child.kill(),
  };
}

async function runHub(upstream: string, accounts: number): Promise<void> {
  const apps = Array.from({ length: accounts }, (_, at) => ({ appid: appidOf(at), secret: DEMO_APP.secret }));
  const parsed = parseSettings({
    env: {
      WECHAT_SIDECAR_UPSTREAMS: upstream,
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
    },
    role: 'hub',
    file: { path: 'settings.json', text: JSON.stringify({ apps }) },
    readFile: () => '',
  });
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  const keySha256 = createHash('sha256').update(KEY).digest('hex');
  const settings = {
    ...parsed.settings,
    clients: [{ name: 'bench', keySha256, apps: ['*'], may: ['tokens'] as const }],
  };
  const role = await startHub(settings, {
    version: 'bench',
    clock: systemClock,
    random: systemRandom,
    log: makeLog('silent', systemClock),
    metrics: makeMetrics({ version: 'bench', role: 'hub', node: process.version }),
  });
  process.on('message', () => {
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ rssBytes: rss, heapBytes: heapUsed, cpuMs: (user + system) / 1_000 });
  });
  process.on('disconnect', () => process.exit());
  process.send?.(role.port);
}

async function call(hub: Child | undefined, path: string, body?: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${KEY}` };
  const answer = await fetch(
    `http://127.0.0.1:${hub?.port}${path}`,
    body === undefined ? { headers } : { method: 'POST', headers, body },
  );
  return (await answer.json()) as Record<string, unknown>;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

function print(what: string, value: string): void {
  console.log(`${what.padEnd(40)} ${value}`);
}

if (process.argv[2] === 'hub') await runHub(process.argv[3] ?? '', Number(process.argv[4]));
else await main();
