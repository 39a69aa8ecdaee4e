import { createHash } from 'node:crypto';
import type { Clock } from '../../src/base/clock.ts';
import { makeLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { RunningRole } from '../../src/roles/role.ts';
import { parseSettings } from '../../src/settings/parse.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { startHub } from '../../src/roles/hub.ts';
import type { KubernetesAccess } from '../../src/kubernetes/api.ts';
import { makeMetrics, type Metrics } from '../../src/server/metrics.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { patientClock } from './patient-clock.ts';
import { ask, type Ask, type Reply } from './simulator-client.ts';
import { type RunningSimulator, startSimulator, type Teardown } from './simulator.ts';
import { RIGHTS } from '../../src/hub-api/rights.ts';

/** The key of the client `orders`, who may use the demo account alone. */
export const ORDERS_KEY = 'orders-key-0123456789abcdef';
/** The key of the client `reports`, who may use every account, and press the page's button. */
export const REPORTS_KEY = 'reports-key-0123456789abcdef';

export interface RunningHub {
  /** `http://127.0.0.1:port` */
  readonly base: string;
  readonly port: number;
  readonly role: RunningRole;
  readonly settings: Settings;
  readonly metrics: Metrics;
  /** Everything that was logged, at debug level, one JSON line each. */
  readonly lines: string[];
  /** A call with a client's key, `reports` unless another is named; `null` sends none. */
  call(path: string, options?: Ask, key?: string | null): Promise<Reply>;
}

export interface HubOptions {
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly access?: KubernetesAccess;
  readonly clock?: Clock;
}

/** A hub in this process with the simulator's demo account, and two clients. */
export async function startTestHub(
  t: Teardown,
  upstreams: readonly string[],
  options: HubOptions = {},
): Promise<RunningHub> {
  const { kubernetes, ...rest } = hubSettings(upstreams, options);
  const apiServer = options.access?.server ?? kubernetes.apiServer;
  const settings = { ...rest, kubernetes: { ...kubernetes, apiServer } };
  const lines: string[] = [];
  const { clock = patientClock } = options;
  const context = {
    version: '0.0.0-test',
    clock,
    random: systemRandom,
    log: makeLog('debug', clock, (line) => lines.push(line)),
    metrics: makeMetrics({ version: '0.0.0-test', role: 'hub', node: process.version }),
  };
  const role = await startHub(settings, context, options.access);
  t.teardown(() => role.drain({ delayMs: 0, timeoutMs: 0 }));
  const base = `http://127.0.0.1:${role.port}`;
  return {
    base,
    port: role.port,
    role,
    settings,
    metrics: context.metrics,
    lines,
    call: (path, asked = {}, key = REPORTS_KEY) =>
      ask(base + path, {
        ...asked,
        headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...asked.headers },
      }),
  };
}

/** What a test gives in `file` (YAML) comes after the clients. */
export function hubSettings(
  upstreams: readonly string[],
  { file = '', env = {} }: HubOptions = {},
): Settings {
  const text = `
clients:
  - { name: orders, keySha256: ${sha256(ORDERS_KEY)}, apps: [${DEMO_APP.appid}] }
  - { name: reports, keySha256: ${sha256(REPORTS_KEY)}, apps: ["*"], may: [${RIGHTS.join()}] }
${file}
`;
  const parsed = parseSettings({
    env: {
      WECHAT_APPID: DEMO_APP.appid,
      WECHAT_APPSECRET: DEMO_APP.secret,
      WECHAT_SIDECAR_UPSTREAMS: upstreams.join(','),
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      ...env,
    },
    file: { path: 'hub.yaml', text },
    role: 'hub',
    readFile: (path) => {
      throw new Error(`no file ${path} here`);
    },
  });
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

export async function startHubPair(
  t: Teardown,
  options: HubOptions = {},
): Promise<{ simulator: RunningSimulator; hub: RunningHub }> {
  const simulator = await startSimulator(t);
  return { simulator, hub: await startTestHub(t, [simulator.origin], options) };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
