import type { Clock } from '../../src/base/clock.ts';
import { type LevelledLog, makeLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { RoleContext, RunningRole } from '../../src/roles/role.ts';
import { parseSettings } from '../../src/settings/parse.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { startProxy } from '../../src/roles/proxy.ts';
import { makeMetrics, type Metrics } from '../../src/server/metrics.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { patientClock } from './patient-clock.ts';
import { type RunningSimulator, startSimulator, type Teardown } from './simulator.ts';

export interface RunningProxy {
  /** `http://127.0.0.1:port` */
  readonly base: string;
  readonly port: number;
  readonly role: RunningRole;
  readonly metrics: Metrics;
  /** Everything that was logged, at debug level, one JSON line each. */
  readonly lines: string[];
  readonly log: LevelledLog;
  /** The settings are read again, with these changes. */
  reconfigure(env: Readonly<Record<string, string>>): void;
}

interface Surroundings extends Pick<RoleContext, 'memoryLimitBytes'> {
  /** The files that settings may name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A sidecar in this process, before one or more upstreams, with the simulator's demo account. */
export async function startTestProxy(
  t: Teardown,
  upstreams: readonly string[],
  env: Readonly<Record<string, string>> = {},
  clock: Clock = patientClock,
  { files = {}, ...context }: Surroundings = {},
): Promise<RunningProxy> {
  const lines: string[] = [];
  const log = makeLog('debug', clock, (line) => lines.push(line));
  const metrics = makeMetrics({ version: '0.0.0-test', role: 'proxy', node: process.version });
  const role = await startProxy(settingsFor(upstreams, env, files), {
    version: '0.0.0-test',
    clock,
    random: systemRandom,
    log,
    metrics,
    ...context,
  });
  t.teardown(() => role.drain({ delayMs: 0, timeoutMs: 0 }));
  return {
    base: `http://127.0.0.1:${role.port}`,
    port: role.port,
    role,
    metrics,
    lines,
    log,
    reconfigure: (changes) => role.reconfigure(settingsFor(upstreams, { ...env, ...changes }, files)),
  };
}

function settingsFor(
  upstreams: readonly string[],
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
): Settings {
  const parsed = parseSettings({
    env: {
      WECHAT_APPID: DEMO_APP.appid,
      WECHAT_APPSECRET: DEMO_APP.secret,
      WECHAT_SIDECAR_UPSTREAMS: upstreams.join(','),
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      ...env,
    },
    role: 'proxy',
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`no file ${path} here`);
      return text;
    },
  });
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

export async function startPair(
  t: Teardown,
  env: Readonly<Record<string, string>> = {},
): Promise<{ simulator: RunningSimulator; proxy: RunningProxy }> {
  const simulator = await startSimulator(t);
  return { simulator, proxy: await startTestProxy(t, [simulator.origin], env) };
}
