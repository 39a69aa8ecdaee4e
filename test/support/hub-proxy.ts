import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { parseSettings } from '../../src/settings/parse.ts';
import { startProxy } from '../../src/roles/proxy.ts';
import { makeMetrics } from '../../src/server/metrics.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { REPORTS_KEY } from './hub.ts';
import { patientClock } from './patient-clock.ts';
import type { RunningProxy } from './proxy.ts';
import type { Teardown } from './simulator.ts';
import { temporaryFolder } from './temporary.ts';

export interface HubProxyStatus {
  readonly defaultApp: string | null;
  readonly hub: { readonly watch: { readonly state: string; readonly host?: string } };
  readonly accounts: readonly { readonly appid: string; readonly fingerprint?: string }[];
}

/** A call that needs a token and changes nothing. */
export const PLAIN_CALL = '/cgi-bin/getcallbackip';

export interface RunningHubProxy extends Omit<RunningProxy, 'reconfigure'> {
  /** Puts another credential for the hub into its file, or takes the file away. */
  rotate(key: string | undefined): void;
  /** The part of `/status` that tests look at. */
  status(): HubProxyStatus;
  /** Of the token in use. */
  fingerprint(of?: string): string | undefined;
  answer(path?: string): Promise<Record<string, unknown>>;
}

/** A sidecar in this process whose accounts a hub holds, at one or more addresses. */
export async function startHubProxy(
  t: Teardown,
  upstreams: readonly string[],
  hubs: readonly string[],
  { key = REPORTS_KEY, env = {} }: { key?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<RunningHubProxy> {
  const tokenFile = join(temporaryFolder(t), 'token');
  const rotate = (next: string | undefined): void =>
    next === undefined ? rmSync(tokenFile) : writeFileSync(tokenFile, `${next}\n`);
  rotate(key);
  const parsed = parseSettings({
    env: {
      WECHAT_SIDECAR_HUB_URL: hubs.join(','),
      WECHAT_SIDECAR_HUB_TOKEN_FILE: tokenFile,
      WECHAT_SIDECAR_UPSTREAMS: upstreams.join(','),
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      ...env,
    },
    role: 'proxy',
    readFile: () => {
      throw new Error('no files here');
    },
  });
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  const lines: string[] = [];
  const log = makeLog('debug', patientClock, (line) => lines.push(line));
  const metrics = makeMetrics({ version: '0.0.0-test', role: 'proxy', node: process.version });
  const role = await startProxy(parsed.settings, {
    version: '0.0.0-test',
    clock: patientClock,
    random: systemRandom,
    log,
    metrics,
  });
  t.teardown(() => role.drain({ delayMs: 0, timeoutMs: 0 }));
  const base = `http://127.0.0.1:${role.port}`;
  const status = (): HubProxyStatus => role.status() as HubProxyStatus;
  return {
    base,
    port: role.port,
    role,
    metrics,
    lines,
    log,
    rotate,
    status,
    fingerprint: (of = DEMO_APP.appid) => status().accounts.find(({ appid }) => appid === of)?.fingerprint,
    answer: async (path = PLAIN_CALL) => (await (await fetch(base + path)).json()) as Record<string, unknown>,
  };
}

/** Looks again and again until it is so; throws after `withinMs`. */
export async function until(what: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<number> {
  const startMs = patientClock.monotonicMs();
  while (!(await what())) {
    if (patientClock.monotonicMs() - startMs > withinMs)
      throw new Error(`It has not come to be within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return patientClock.monotonicMs() - startMs;
}
