import { setTimeout as pause } from 'node:timers/promises';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import type { SimulatorControl } from '../../src/simulator/control.ts';
import { type ProcessOptions, RoleProcess } from './process.ts';
import { type Ask, ask, type Reply } from './simulator-client.ts';
import { type RunningSimulator, startSimulator, type Teardown } from './simulator.ts';
import { secretsIn } from './secrets-nowhere.ts';

export const { appid: APPID, secret: APPSECRET } = DEMO_APP;

/** A path of the platform that a GET with any good token gets a small JSON object from. */
export const INFO = '/cgi-bin/user/info?openid=oJourney01';

/** The sidecar as a program of its own, and what a business program and an operator can do with it. */
export class Sidecar extends RoleProcess {
  call(path: string, request?: Ask): Promise<Reply> {
    return ask(this.base + path, request);
  }

  async errcode(path: string, request?: Ask): Promise<unknown> {
    return (await this.call(path, request)).json()['errcode'];
  }

  /** What an SDK that fetches "its" token is given. */
  async standIn(appid: string = APPID): Promise<string> {
    const reply = await this.call(`/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=none`);
    return String(reply.json()['access_token']);
  }

  async untilReady(): Promise<this> {
    while ((await this.health('readyz')) !== 200) await pause(25);
    return this;
  }

  /** `/readyz`, `/livez` and their like: the status alone. */
  async health(name: string): Promise<number> {
    return (await ask(`${this.admin}/${name}`)).status;
  }

  async page(name: 'status' | 'metrics'): Promise<string> {
    const text = (await ask(`${this.admin}/${name}`)).body.toString();
    const found = secretsIn(text);
    if (found.length > 0) throw new Error(`Secrets in /${name}: ${found.join(' ')}`);
    return text;
  }

  async status(): Promise<StatusPage> {
    return (JSON.parse(await this.page('status')) as { proxy: StatusPage }).proxy;
  }

  /** The sum of the samples of a metric whose labels hold all of these, as `errcode="40001"`. */
  async metric(name: string, ...labels: string[]): Promise<number> {
    const samples = (await this.page('metrics')).split('\n').filter((line) => {
      const isIt = line.startsWith(`${name}{`) || line.startsWith(`${name} `);
      return isIt && labels.every((label) => line.includes(label));
    });
    return samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
}

export interface StatusPage {
  readonly accounts: readonly {
    readonly appid: string;
    readonly phase: string;
    readonly fingerprint?: string;
    readonly fetchesLastDay: number;
    readonly lastFailure?: { readonly errcode: number; readonly message: string; readonly over: boolean };
  }[];
  readonly upstreams: readonly { readonly url: string; readonly state: string }[];
  readonly inFlight: number;
  readonly replayBufferBytes: number;
}

export interface SidecarOptions extends ProcessOptions {
  /** False: does not wait for a first token, since none will come. */
  readonly token?: boolean;
}

/** A sidecar with the demo account before these upstreams, and its first token. */
export async function startSidecar(
  t: Teardown,
  upstreams: readonly string[],
  { token = true, env = {}, ...options }: SidecarOptions = {},
): Promise<Sidecar> {
  const sidecar = await new Sidecar(t, 'proxy', {
    ...options,
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: upstreams.join(','),
      ...env,
    },
  }).untilServing();
  return token ? sidecar.untilReady() : sidecar;
}

export interface Pair {
  readonly platform: RunningSimulator;
  readonly control: SimulatorControl;
  readonly sidecar: Sidecar;
}

/** A platform in this process, and a sidecar before it that has its first token; the counts begin at zero. */
export async function startPair(t: Teardown, options: SidecarOptions = {}): Promise<Pair> {
  const platform = await startSimulator(t);
  const sidecar = await startSidecar(t, [platform.origin], options);
  platform.control.clear();
  return { platform, control: platform.control, sidecar };
}

/** What the account has cost at the platform: calls for tokens, and checks of one. */
export function costOf(control: SimulatorControl, appid: string = APPID): TokenCost {
  const counters = control.counters().apps[appid];
  if (counters === undefined) throw new Error(`The platform does not know ${appid}`);
  const { classicFetches, stableFetches, forcedFetches, getApiDomainIpCalls } = counters;
  const fetches = classicFetches + stableFetches + forcedFetches;
  return { fetches, forced: forcedFetches, checks: getApiDomainIpCalls, all: fetches + getApiDomainIpCalls };
}

export interface TokenCost {
  /** Of any kind, the forced ones with them. */
  readonly fetches: number;
  readonly forced: number;
  /** Calls of get_api_domain_ip. */
  readonly checks: number;
  readonly all: number;
}

export const MODES = ['stable', 'classic'] as const;
