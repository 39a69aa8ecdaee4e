import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { makeLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { parseSettings } from '../../src/cli/settings-parse.ts';
import { startProxy } from '../../src/cli/start-proxy.ts';
import { makeMetrics } from '../../src/server/metrics.ts';
import { REPORTS_KEY } from './hub.ts';
import type { RunningProxy } from './proxy.ts';
import type { Teardown } from './simulator.ts';

export interface RunningHubProxy extends RunningProxy {
  /** Puts another credential for the hub into its file. */
  rotate(key: string): void;
}

/** A sidecar in this process whose accounts a hub holds, at one or more addresses. */
export async function startHubProxy(
  t: Teardown,
  upstreams: readonly string[],
  hubs: readonly string[],
  { key = REPORTS_KEY, env = {} }: { key?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<RunningHubProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'hub-proxy-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  const rotate = (next: string): void => writeFileSync(tokenFile, `${next}\n`);
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
  const log = makeLog('debug', (line) => lines.push(line));
  const metrics = makeMetrics({ version: '0.0.0-test', role: 'proxy', node: process.version });
  const role = await startProxy(parsed.settings, {
    version: '0.0.0-test',
    clock: systemClock,
    random: systemRandom,
    log,
    metrics,
  });
  t.teardown(() => role.drain({ delayMs: 0, timeoutMs: 0 }));
  return { base: `http://127.0.0.1:${role.port}`, port: role.port, role, metrics, lines, log, rotate };
}

/** Looks again and again until it is so; throws after `withinMs`. */
export async function until(what: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<number> {
  const startMs = performance.now();
  while (!(await what())) {
    if (performance.now() - startMs > withinMs)
      throw new Error(`It has not come to be within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - startMs;
}
