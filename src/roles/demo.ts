import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomKey } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import type { DrainOptions, DrainOutcome } from '../server/connections.ts';
import { DEMO_APP } from '../simulator/accounts.ts';
import { orOnFreePort } from './free-port.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from '../settings/settings.ts';
import type { HostPort } from '../settings/types.ts';
import { startHub } from './hub.ts';
import { startProxy } from './proxy.ts';
import { startSimulator } from './simulator.ts';
import { RIGHTS } from '../hub-api/rights.ts';

const EVERYBODY = ['0.0.0.0/0', '::/0'];

export interface RunningDemo extends RunningRole {
  /** The text for a new user. */
  welcome(adminPort: number): string;
}

/** On loopback, unlike a real hub: a demo must not be reachable from outside. */
const HUB_LISTEN: HostPort = { host: 'localhost', port: 3882 };
const SIMULATOR_LISTEN: HostPort = { host: 'localhost', port: 3884 };

/** Simulator, hub and sidecar in one process, for trying the product without an account. */
export async function startDemo(settings: Settings, context: RoleContext): Promise<RunningDemo> {
  // If the demo is started with port 0, as in tests, all its ports are free ones.
  const anyPort = settings.listen.port === 0;
  const at = (usual: HostPort): HostPort => (anyPort ? { ...usual, port: 0 } : usual);
  const key = await makeKey();
  const app = { ...DEMO_APP, secret: new Secret(DEMO_APP.secret), mode: 'stable', name: 'demo' } as const;
  const clients = [{ name: 'demo', keySha256: key.sha256, apps: ['*'], may: RIGHTS }];

  const started: RunningRole[] = [];
  // A user who tries the demo should not have to find out which program uses a port.
  const start = async (listen: HostPort, startAt: (listen: HostPort) => Promise<RunningRole>) => {
    const role = await orOnFreePort(listen, startAt);
    started.unshift(role);
    return role;
  };
  /** Stops callers before the roles that they call. */
  const stop = async (options: DrainOptions): Promise<DrainOutcome> => {
    const [first, ...others] = started;
    const outcome = await first?.drain(options);
    for (const role of others) await role.drain({ delayMs: 0, timeoutMs: 0 });
    await rm(key.folder, { recursive: true, force: true });
    return outcome ?? { cut: 0 };
  };
  try {
    const simulator = await start(at(SIMULATOR_LISTEN), (listen) =>
      startSimulator({ ...settings, listen }, context),
    );
    const upstreams = [`http://127.0.0.1:${simulator.port}`];
    const hubSettings = (of: Settings): Settings => ({ ...of, upstreams, apps: [app], clients });
    const hub = await start(at(HUB_LISTEN), (listen) =>
      startHub({ ...hubSettings(settings), listen }, context),
    );
    const reached = { urls: [`http://127.0.0.1:${hub.port}`], tokenFile: key.file };
    const proxySettings = (of: Settings): Settings => ({
      ...of,
      upstreams,
      // Nothing to protect: the account is the simulator's.
      listenPeers: EVERYBODY,
      hub: reached,
      defaultApp: app.appid,
    });
    const proxy = await start(settings.listen, (listen) =>
      startProxy({ ...proxySettings(settings), listen }, context),
    );
    return {
      name: 'demo',
      addresses: proxy.addresses,
      port: proxy.port,
      ready: [...hub.ready, ...proxy.ready],
      welcome: (admin) =>
        welcomeText({ proxy: proxy.port, hub: hub.port, simulator: simulator.port, admin }, key.text),
      status: () => ({ proxy: proxy.status(), hub: hub.status(), simulator: simulator.status() }),
      reconfigure(next) {
        simulator.reconfigure(next);
        hub.reconfigure(hubSettings(next));
        proxy.reconfigure(proxySettings(next));
      },
      drain: stop,
    };
  } catch (error) {
    await stop({ delayMs: 0, timeoutMs: 0 });
    throw error;
  }
}

/** A key for the demo's only client, random at each start, in a file as in a pod. */
async function makeKey(): Promise<{ text: string; sha256: string; folder: string; file: string }> {
  const text = randomKey(12);
  const folder = await mkdtemp(join(tmpdir(), 'wechat-sidecar-demo-'));
  const file = join(folder, 'client-key');
  await writeFile(file, text, { mode: 0o600 });
  return { text, sha256: createHash('sha256').update(text).digest('hex'), folder, file };
}

interface Ports {
  readonly proxy: number;
  readonly hub: number;
  readonly simulator: number;
  readonly admin: number;
}

function welcomeText(ports: Ports, key: string): string {
  return `
  wechat-sidecar runs, in front of a simulated WeChat platform. Try this in another terminal:

    1. A call without a token:
       curl 'http://localhost:${ports.proxy}/cgi-bin/getcallbackip'

    2. End the life of the account's token on the platform:
       curl -X POST http://localhost:${ports.simulator}/__sim/expire

    3. The same call again. It is healed before you see it: x-wechat-sidecar says replay=1
       curl -i 'http://localhost:${ports.proxy}/cgi-bin/getcallbackip'

  The hub's page: http://localhost:${ports.hub}/   (log in with the key ${key})
  What happened:  http://localhost:${ports.admin}/status  and  http://localhost:${ports.admin}/metrics
  The simulator:  http://localhost:${ports.simulator}/__sim/
  With your own account: WECHAT_APPID=… WECHAT_APPSECRET=… npm start          Ctrl-C stops everything.

`;
}
