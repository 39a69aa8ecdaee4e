import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import type { Teardown } from './simulator.ts';

/** Nothing that is waited for takes this long, on however slow a machine. */
const WAIT_MS_MAX = 90_000;

/** Why no Redis can be started here; undefined where one can. */
export const noRedis: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'no redis-server here: node scripts/test-servers.mjs installs it, as root on Debian';

/** A test that needs a real Redis; where there is none it is skipped, and its title says why. */
export function redisTest(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const { skip } = test;
  if (noRedis === undefined) test(title, run);
  else skip(`${title} (${noRedis})`, run);
}

/** The same, alone among the tests of its file: for those with many processes. */
export function serialRedisTest(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const { serial } = test;
  const { skip } = serial;
  if (noRedis === undefined) serial(title, run);
  else skip(`${title} (${noRedis})`, run);
}

/** What runs is killed with us, whatever ends us. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface RedisOptions {
  /** More of redis.conf, as command line arguments. */
  readonly args?: readonly string[];
  /** It is a Sentinel, with these lines of configuration. */
  readonly sentinel?: readonly string[];
  /** The port of a server that is gone, to take its place; else a free one. */
  readonly port?: number;
  /** As in `user:password`, for the client of the test. */
  readonly userInfo?: string;
}

/** A redis-server of one test's own, that can be hurt. */
export class RedisServer {
  readonly port: number;
  readonly folder: string;
  readonly #options: RedisOptions;
  #child: ChildProcess | undefined;
  #client: Redis | undefined;

  private constructor(port: number, folder: string, options: RedisOptions) {
    this.port = port;
    this.folder = folder;
    this.#options = options;
  }

  static async start(t: Teardown, options: RedisOptions = {}): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'wechat-redis-'));
    const server = new RedisServer(options.port ?? (await freePort()), folder, options);
    t.teardown(async () => {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    });
    await server.restart();
    return server;
  }

  /** `redis://127.0.0.1:port`, with whatever stands before the host. */
  url(userInfo = ''): string {
    return `redis://${userInfo === '' ? '' : `${userInfo}@`}127.0.0.1:${this.port}`;
  }

  /** A connection of the test's own. */
  get client(): Redis {
    this.#client ??= new Redis(this.url(this.#options.userInfo), { retryStrategy: () => 100 }).on(
      'error',
      () => undefined,
    );
    return this.#client;
  }

  /** Its own clock, which nobody can turn. */
  async nowUnixMs(): Promise<number> {
    const [seconds, micros] = (await this.client.time()).map(Number);
    return (seconds as number) * 1_000 + Math.floor((micros as number) / 1_000);
  }

  /** Starts it on the same port, with nothing in memory. */
  async restart(): Promise<void> {
    await this.kill();
    const { args = [], sentinel } = this.#options;
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    const config = join(this.folder, 'sentinel.conf');
    if (sentinel !== undefined) writeFileSync(config, sentinel.join('\n'));
    const child =
      sentinel === undefined
        ? spawn('redis-server', [...own, '--save', '', '--appendonly', 'no', ...args])
        : spawn('redis-server', [config, '--sentinel']);
    this.#child = child;
    running.add(child);
    child.once('close', () => running.delete(child));
    await new Promise<void>((resolve, reject) => {
      let output = '';
      const failed = (): void => reject(new Error(`redis-server did not start:\n${output}`));
      const timer = setTimeout(failed, WAIT_MS_MAX);
      child.once('close', failed);
      child.once('error', failed);
      child.stderr.resume();
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (!/Ready to accept connections|Sentinel ID is/.test(output)) return;
        clearTimeout(timer);
        child.off('close', failed);
        child.stdout.removeAllListeners('data').resume();
        resolve();
      });
    });
  }

  /** At once, as a machine that loses its power. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#client?.disconnect();
    this.#client = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
  }

  /** Accepts connections, and answers nothing. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }
}

/** Asks until it is so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  maxMs = WAIT_MS_MAX,
): Promise<void> {
  const end = performance.now() + maxMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
