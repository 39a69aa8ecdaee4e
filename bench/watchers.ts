/**
 * What 2,000 watchers cost one hub: memory each, time from a new token to the last of them, and CPU at rest. Runs for
 * about a minute, and ends by itself.
 *
 *   npx tsc -p tsconfig.test.json && node build/bench/watchers.js [watchers] [seconds at rest]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
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
  const count = Math.min(20_000, Number(process.argv[2] ?? 2_000));
  const restS = Math.min(300, Number(process.argv[3] ?? 30));
  const simulator = makeSimulator({ clock: systemClock, log: silentLog, apps: [DEMO_APP] });
  const platform = createServer(simulator.handler()).listen(0, '127.0.0.1');
  await once(platform, 'listening');
  const hub = await startChild(`http://127.0.0.1:${(platform.address() as AddressInfo).port}`);
  const base = `http://127.0.0.1:${hub.port}`;
  const token = await call(base, `/v1/apps/${DEMO_APP.appid}/token`);

  const before = await hub.usage();
  const watchers: Watcher[] = [];
  const openedMs = await timed(async () => {
    while (watchers.length < count) {
      const some = Array.from(
        { length: Math.min(OPENED_AT_A_TIME, count - watchers.length) },
        () => new Watcher(hub.port),
      );
      watchers.push(...some);
      await Promise.all(some.map((watcher) => watcher.untilEvents(1)));
    }
  });
  await sleep(1_000);
  const after = await hub.usage();
  print('watchers', `${count}`);
  print('opened, with the current token', `${Math.round(openedMs)} ms`);
  print('memory per watcher (resident)', kib((after.rssBytes - before.rssBytes) / count));
  print('memory per watcher (heap)', kib((after.heapBytes - before.heapBytes) / count));

  const restBefore = await hub.usage();
  await sleep(restS * 1_000);
  const restAfter = await hub.usage();
  const share = (restAfter.cpuMs - restBefore.cpuMs) / (restS * 10);
  print(`CPU at rest, over ${restS} s`, `${share.toFixed(2)} % of one core`);

  simulator.control.overwrite();
  const startMs = performance.now();
  const body = JSON.stringify({ fingerprint: token['fingerprint'], errcode: 40001 });
  await call(base, `/v1/apps/${DEMO_APP.appid}/token/refresh`, body);
  await Promise.all(watchers.map((watcher) => watcher.untilEvents(2)));
  const times = watchers.map(({ lastMs }) => lastMs).toSorted((one, other) => one - other);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  print('from the report to the first watcher', `${Math.round(first - startMs)} ms`);
  print('from the first watcher to the last', `${Math.round(last - first)} ms`);

  for (const watcher of watchers) watcher.close();
  const again = Array.from({ length: count }, () => new Watcher(hub.port));
  const againMs = await timed(() => Promise.all(again.map((watcher) => watcher.untilEvents(1))));
  print('all of them back at once', `${Math.round(againMs)} ms`);
  for (const watcher of again) watcher.close();
  hub.stop();
  platform.closeAllConnections();
  platform.close();
}

/** Reads as little of a stream as possible, so that measuring costs less than what is measured. */
class Watcher {
  readonly #socket: Socket;
  lastMs = 0;
  #events = 0;
  #onEvent: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.write(
      `GET /v1/tokens/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
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
async function startChild(upstream: string): Promise<Child> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['hub', upstream], {
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

async function runHub(upstream: string): Promise<void> {
  const parsed = parseSettings({
    env: {
      WECHAT_APPID: DEMO_APP.appid,
      WECHAT_APPSECRET: DEMO_APP.secret,
      WECHAT_SIDECAR_UPSTREAMS: upstream,
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
    },
    role: 'hub',
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

async function call(base: string, path: string, body?: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${KEY}` };
  const answer = await fetch(
    base + path,
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

if (process.argv[2] === 'hub') await runHub(process.argv[3] ?? '');
else await main();
