import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AccountStatus } from '../../src/keeper/status.ts';
import type { SimulatorControl } from '../../src/simulator/control.ts';
import type { TokenMode } from '../../src/token/token.ts';
import { Gate } from './gate.ts';
import { RoleProcess } from './process.ts';
import { RedisServer, until } from './redis.ts';
import { APPID, APPSECRET, INFO, Sidecar } from './sidecar.ts';
import { ask } from './simulator-client.ts';
import { type RunningSimulator, startSimulator, type Teardown } from './simulator.ts';
import { temporaryFolder } from './temporary.ts';

const KEY = 'ha-client-key-0123456789abcdef';

/** A hub that can be killed and started again; sidecars and Redis meet it at gates that stay. */
export class Hub {
  /** Sidecars come through here. */
  readonly face: Gate;
  readonly redisGate: Gate | undefined;
  readonly #t: Teardown;
  readonly #env: Record<string, string>;
  process: RoleProcess;

  private constructor(
    t: Teardown,
    parts: { face: Gate; redisGate: Gate | undefined; env: Record<string, string>; process: RoleProcess },
  ) {
    this.#t = t;
    this.face = parts.face;
    this.redisGate = parts.redisGate;
    this.#env = parts.env;
    this.process = parts.process;
  }

  static async start(t: Teardown, env: Record<string, string>, redisGate?: Gate): Promise<Hub> {
    const process = await new RoleProcess(t, 'hub', { env, secrets: [KEY] }).untilServing();
    return new Hub(t, { face: await Gate.open(t, process.port), redisGate, env, process });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.process.stop(signal);
  }

  async restart(): Promise<void> {
    this.process = await new RoleProcess(this.#t, 'hub', { env: this.#env, secrets: [KEY] }).untilServing();
    this.face.target = this.process.port;
  }

  async account(): Promise<AccountStatus> {
    const text = (await ask(`${this.process.admin}/status`)).body.toString();
    const [account] = (JSON.parse(text) as { hub: { accounts: AccountStatus[] } }).hub.accounts;
    if (account === undefined) throw new Error('The hub has no account');
    return account;
  }

  /** As a sidecar whose call was answered `errcode`; the answer is not waited for. */
  report(fingerprint: string | undefined, errcode: number): void {
    ask(`${this.process.base}/v1/apps/${APPID}/token/refresh`, {
      headers: { authorization: `Bearer ${KEY}` },
      body: { fingerprint, errcode },
    }).catch(() => undefined);
  }
}

/** The platform says of the next token that a hub tries that it refuses it, while business is served: the hub renews it. */
export function doubtNextProbe(control: SimulatorControl): void {
  const fault = { kind: 'errcode', errcode: 40001 } as const;
  control.break({ path: '/cgi-bin/get_api_domain_ip', times: 1, fault });
}

export interface Failure {
  readonly sidecar: number;
  readonly errcode: unknown;
  readonly status: number;
}

/** Business that never stops: every sidecar is called, again and again, and each failed call is kept. */
export class Traffic {
  readonly failures: Failure[] = [];
  calls = 0;
  #isOver = false;
  readonly #loops: Promise<void>[];

  constructor(t: Teardown, sidecars: readonly Sidecar[]) {
    this.#loops = sidecars.map((sidecar, index) => this.#loop(sidecar, index));
    t.teardown(() => this.stop());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  /** Waits until so many more calls have been made. */
  async more(calls = 20): Promise<void> {
    const wanted = this.calls + calls;
    await until('business goes on', () => this.calls >= wanted);
  }

  async #loop(sidecar: Sidecar, index: number): Promise<void> {
    while (!this.#isOver) {
      const reply = await ask(`${sidecar.base}${INFO}`).catch(() => undefined);
      if (this.#isOver) return;
      this.calls += 1;
      const errcode = reply === undefined ? 'no answer' : reply.json()['errcode'];
      if (errcode !== undefined || reply?.status !== 200) {
        this.failures.push({ sidecar: index, errcode, status: reply?.status ?? 0 });
      }
      await pause(30);
    }
  }
}

export interface Ensemble {
  readonly platform: RunningSimulator;
  readonly control: SimulatorControl;
  readonly redis: RedisServer;
  readonly a: Hub;
  readonly b: Hub;
  readonly sidecars: readonly Sidecar[];
  readonly traffic: Traffic;
  readonly secretFile: string;
  /** The fingerprint that both hubs serve, once they serve the same and it is not this one. */
  agreed(otherThan?: string): Promise<string>;
}

export interface EnsembleOptions {
  readonly mode: TokenMode;
  /** The store in the hubs' file, in the place of a Redis that each hub reaches through its gate. */
  readonly store?: string;
}

/** Simulator, Redis, two hubs and two sidecars, each a process but for the first; business runs. */
export async function startEnsemble(t: Teardown, options: EnsembleOptions): Promise<Ensemble> {
  const { mode, store } = options;
  const folder = temporaryFolder(t);
  const platform = await startSimulator(t);
  const redis = await RedisServer.start(t);
  const secretFile = join(folder, 'secret');
  const tokenFile = join(folder, 'key');
  writeFileSync(secretFile, APPSECRET);
  writeFileSync(tokenFile, KEY);
  const hubs: Hub[] = [];
  for (const name of ['a', 'b']) {
    const way = await Gate.open(t, redis.port);
    const config = join(folder, `${name}.yaml`);
    const keySha256 = createHash('sha256').update(KEY).digest('hex');
    const clients = `clients: [{ name: all, keySha256: ${keySha256}, apps: ["*"] }]`;
    writeFileSync(config, `${clients}\nstore: ${store ?? `redis://127.0.0.1:${way.port}`}\n`);
    const env = {
      WECHAT_SIDECAR_CONFIG: config,
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET_FILE: secretFile,
      WECHAT_TOKEN_MODE: mode,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    };
    hubs.push(await Hub.start(t, env, way));
  }
  const [a, b] = hubs;
  if (a === undefined || b === undefined) throw new Error('There are two hubs');
  const sidecars = await Promise.all(
    [
      [a, b],
      [b, a],
    ].map((order) => {
      const urls = order.map(({ face }) => `http://127.0.0.1:${face.port}`).join(',');
      const env = {
        WECHAT_SIDECAR_HUB_URL: urls,
        WECHAT_SIDECAR_HUB_TOKEN_FILE: tokenFile,
        WECHAT_SIDECAR_UPSTREAMS: platform.origin,
      };
      return new Sidecar(t, 'proxy', { env, secrets: [KEY] }).untilServing();
    }),
  );
  for (const sidecar of sidecars) await sidecar.untilReady();
  const agreed = async (otherThan?: string): Promise<string> => {
    let found: string | undefined;
    await until('both hubs serve the same token', async () => {
      const [one, other] = await Promise.all([a.account(), b.account()]);
      found = one.fingerprint;
      return found !== undefined && found === other.fingerprint && found !== otherThan;
    });
    return found ?? '';
  };
  await agreed();
  const traffic = new Traffic(t, sidecars);
  await traffic.more(10);
  platform.control.clear();
  return { platform, control: platform.control, redis, a, b, sidecars, traffic, secretFile, agreed };
}
