import { Secret } from '../base/secret.ts';
import { ListenError } from '../server/listen-error.ts';
import { DEMO_APP } from '../simulator/accounts.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { HostPort, Settings } from './settings.ts';
import { startProxy } from './start-proxy.ts';
import { startSimulator } from './start-simulator.ts';

export interface RunningDemo extends RunningRole {
  /** What to show a newcomer. */
  welcome(adminPort: number): string;
}

/** Simulator and sidecar in one process: the newcomer's first minute, without an account. */
export async function startDemo(settings: Settings, context: RoleContext): Promise<RunningDemo> {
  // A demo that is asked for free ports, as tests ask, takes free ones throughout.
  const simulatorListen = settings.listen.port === 0 ? settings.listen : SIMULATOR_LISTEN;
  const simulator = await orOnFreePort(simulatorListen, (listen) =>
    startSimulator({ ...settings, listen }, context),
  );
  const app = { ...DEMO_APP, secret: new Secret(DEMO_APP.secret), mode: 'stable', name: 'demo' } as const;
  const upstreams = [`http://127.0.0.1:${simulator.port}`];
  const proxy = await orOnFreePort(settings.listen, (listen) =>
    startProxy({ ...settings, listen, apps: [app], defaultApp: app.appid, upstreams }, context),
  );
  return {
    name: 'demo',
    addresses: proxy.addresses,
    port: proxy.port,
    ready: proxy.ready,
    welcome: (adminPort) => welcomeText(proxy.port, simulator.port, adminPort),
    status: () => ({ proxy: proxy.status(), simulator: simulator.status() }),
    reconfigure() {},
    async drain(options) {
      const outcome = await proxy.drain(options);
      await simulator.drain({ delayMs: 0, timeoutMs: 0 });
      return outcome;
    },
  };
}

const SIMULATOR_LISTEN: HostPort = { host: 'localhost', port: 3884 };

/** Whoever tries a demo should not have to hunt for what holds a port. */
export async function orOnFreePort<T>(listen: HostPort, start: (listen: HostPort) => Promise<T>): Promise<T> {
  try {
    return await start(listen);
  } catch (error) {
    if (!(error instanceof ListenError) || error.code !== 'EADDRINUSE') throw error;
    return start({ ...listen, port: 0 });
  }
}

function welcomeText(proxyPort: number, simulatorPort: number, adminPort: number): string {
  return `
  wechat-sidecar runs, in front of a simulated WeChat platform. Try this in another terminal:

    1. A call without a token:
       curl 'http://localhost:${proxyPort}/cgi-bin/getcallbackip'

    2. End the life of the account's token on the platform:
       curl -X POST http://localhost:${simulatorPort}/__sim/expire

    3. The same call again. It is healed before you see it: x-wechat-sidecar says replay=1
       curl -i 'http://localhost:${proxyPort}/cgi-bin/getcallbackip'

  What happened:  http://localhost:${adminPort}/status  and  http://localhost:${adminPort}/metrics
  The simulator:  http://localhost:${simulatorPort}/__sim/
  With your own account: WECHAT_APPID=… WECHAT_APPSECRET=… npm start          Ctrl-C stops everything.

`;
}
