import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { ProcessGroup } from './group.ts';
import { RedisServer } from './redis.ts';
import type { Teardown } from './simulator.ts';
import { temporaryFolder } from './temporary.ts';

/** `start_period` of the files. */
const START_PERIOD_MS = 30_000;
const ASK_AGAIN_MS = 200;

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

export interface Service {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly network_mode?: string;
  readonly networks?: readonly string[] | Readonly<Record<string, object | null>>;
  readonly depends_on?: readonly string[] | Readonly<Record<string, object>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets?: Readonly<Record<string, { readonly file: string }>>;
}

/** The files over each other, as `docker compose -f … -f …` puts them: mappings are merged, the rest replaced. */
export function readCompose(...paths: string[]): ComposeFile {
  const files = paths.map((path) => parse(readFileSync(path, 'utf8'), { merge: true }) as unknown);
  return files.reduce(merged) as ComposeFile;
}

function merged(under: unknown, over: unknown): unknown {
  if (!isMapping(under) || !isMapping(over)) return over;
  const both = Object.keys(over).map((key) => [
    key,
    key in under ? merged(under[key], over[key]) : over[key],
  ]);
  return { ...under, ...Object.fromEntries(both) };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function namesIn(list: readonly string[] | Readonly<Record<string, unknown>> | undefined): string[] {
  return Array.isArray(list) ? (list as string[]) : Object.keys(list ?? {});
}

interface Started {
  /** `http://127.0.0.1:port`, or `redis://…`. */
  readonly origin: string;
  readonly admin?: string;
}

/**
 * The processes of a compose file, without containers: each service's command with its environment, its
 * secrets and its mounted folders. A name of a service leads to its process, and a port to the one that it
 * has here.
 */
export class ComposeProcesses {
  readonly #t: Teardown;
  readonly #folder: string;
  readonly #file: ComposeFile;
  readonly #root: string;
  readonly #started = new Map<string, Started>();

  constructor(t: Teardown, root: string, file: ComposeFile) {
    this.#t = t;
    this.#root = root;
    this.#file = file;
    this.#folder = temporaryFolder(t);
  }

  /** Starts what serves, each after what it depends on. Programs that end by themselves are for `run`. */
  async up(): Promise<void> {
    const waiting = new Set(Object.keys(this.#file.services).filter((name) => this.#serves(name)));
    while (waiting.size > 0) {
      const ready = [...waiting].filter((name) => this.#needs(name).every((needed) => !waiting.has(needed)));
      if (ready.length === 0) throw new Error(`a circle of dependencies: ${[...waiting].join(' ')}`);
      for (const name of ready) {
        this.#started.set(name, await this.#start(name));
        waiting.delete(name);
      }
    }
  }

  originOf(name: string): string {
    return this.#of(name).origin;
  }

  adminOf(name: string): string {
    return String(this.#of(name).admin);
  }

  /** A service that runs to its end: its exit code and what it printed. */
  run(name: string): Promise<{ readonly code: number; readonly out: string }> {
    return this.#exec(name, this.#service(name).command, 'curl');
  }

  /** What its health check says; as in Compose, one that fails soon after the start is asked again. */
  async isHealthy(name: string): Promise<boolean> {
    const untilMs = performance.now() + START_PERIOD_MS;
    for (;;) {
      if (await this.#saysHealthy(name)) return true;
      if (performance.now() >= untilMs) return false;
      await sleep(ASK_AGAIN_MS);
    }
  }

  async #saysHealthy(name: string): Promise<boolean> {
    const [kind, program, ...args] = this.#service(name).healthcheck?.test ?? [];
    if (kind !== 'CMD' || program === undefined) throw new Error(`${name} has no health check`);
    if (program === 'redis-cli') {
      const port = new URL(this.originOf(name)).port;
      return (await this.#exec(name, ['-p', port, ...args], program)).out === 'PONG\n';
    }
    return (await this.#exec(name, args, process.execPath)).code === 0;
  }

  #exec(name: string, args: readonly string[], program: string): Promise<{ code: number; out: string }> {
    const local = args.map((arg) => this.#local(name, arg));
    return new Promise((done) => {
      execFile(program, local, { timeout: 60_000 }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code ?? 1), out: stdout + stderr }),
      );
    });
  }

  #serves(name: string): boolean {
    return !this.#service(name).image.startsWith('curlimages/');
  }

  #needs(name: string): string[] {
    return namesIn(this.#service(name).depends_on).filter((needed) => this.#serves(needed));
  }

  #service(name: string): Service {
    const service = this.#file.services[name];
    if (service === undefined) throw new Error(`There is no service ${name}`);
    return service;
  }

  #of(name: string): Started {
    const started = this.#started.get(name);
    if (started === undefined) throw new Error(`${name} does not run`);
    return started;
  }

  async #start(name: string): Promise<Started> {
    const { image, command, environment = {} } = this.#service(name);
    if (image.startsWith('redis:')) {
      const redis = await RedisServer.start(this.#t, { args: command.slice(1) });
      return { origin: redis.url() };
    }
    const env = Object.entries(environment).map(([key, value]) => [key, this.#local(name, value)]);
    const group = new ProcessGroup(
      this.#t,
      [process.execPath, CLI, ...command.map((arg) => this.#local(name, arg))],
      {
        env: {
          ...(Object.fromEntries(env) as Record<string, string>),
          WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
          WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
        },
      },
    );
    const { base, admin } = await group.untilServing();
    return { origin: base, admin };
  }

  /** What a text of a service's is outside of its container. */
  #local(name: string, text: string): string {
    const { secrets = [], volumes = [], network_mode: mode } = this.#service(name);
    const beside = mode?.replace(/^service:/, '') ?? name;
    let local = text
      .replaceAll(/(?:http|redis):\/\/([a-z-]+):\d+/g, (_, host: string) => this.originOf(host))
      .replaceAll(/http:\/\/127\.0\.0\.1:3880\b/g, () => this.originOf(beside))
      .replaceAll(/http:\/\/127\.0\.0\.1:3881\b/g, () => this.adminOf(beside))
      .replaceAll(/\/run\/secrets\/([\w-]+)/g, (_, secret: string) => {
        if (!secrets.includes(secret)) throw new Error(`${name} is not given the secret ${secret}`);
        return resolve(this.#root, this.#file.secrets?.[secret]?.file ?? '');
      });
    for (const volume of volumes.filter((one) => one.startsWith('./'))) {
      const [from = '', to = ''] = volume.split(':');
      if (local.startsWith(`${to}/`)) local = local.replace(to, this.#mounted(name, from));
    }
    return local;
  }

  /** A copy of a folder, with what its files name made local. */
  #mounted(name: string, from: string): string {
    const copy = join(this.#folder, name, from);
    mkdirSync(copy, { recursive: true });
    for (const file of readdirSync(join(this.#root, from))) {
      const text = readFileSync(join(this.#root, from, file), 'utf8');
      writeFileSync(join(copy, file), this.#local(name, text));
    }
    return copy;
  }
}
