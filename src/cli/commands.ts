import type { Role } from '../settings/role.ts';

export const COMMANDS = [
  'proxy',
  'hub',
  'injector',
  'simulator',
  'demo',
  'check',
  'status',
  'shutdown',
] as const;
export type Command = (typeof COMMANDS)[number];

/** A one-line description of each command, and a longer text if it has its own help page. */
export const COMMAND_WORDS: Readonly<Record<Command, { readonly line: string; readonly more: string }>> = {
  proxy: {
    line: 'the sidecar: business calls on loopback, no token needed',
    more:
      'Serves the WeChat API on loopback. A business program calls http://localhost:3880/cgi-bin/… without ' +
      'an access_token; the call leaves for the platform with one, and a token that the platform refuses is ' +
      'replaced before the program sees it. It needs an account (WECHAT_APPID and WECHAT_APPSECRET) or a hub.',
  },
  hub: {
    line: 'the central token server: the only holder of AppSecrets',
    more: 'Keeps one token for each account, and serves it to the proxies and programs that may use it.',
  },
  injector: {
    line: 'the Kubernetes webhook that adds the sidecar to pods',
    more: 'Serves the mutating admission webhook that adds the sidecar to pods with its label.',
  },
  simulator: {
    line: 'a stand-in for the WeChat platform, for development and tests',
    more: 'Responds like the platform, including tokens, errors and quotas, and can be made to misbehave.',
  },
  demo: {
    line: 'simulator, hub and sidecar together: the first minute',
    more: 'Runs everything in one process, without an account, and shows a few calls to try.',
  },
  check: {
    line: 'reads the settings, tries them once, and says what is wrong',
    more:
      'Reads the settings as a proxy or a hub would, tries the hub or the platform once for each account, and ' +
      'says what is wrong and what to do. In mode stable that is harmless. In mode classic a fetch would replace ' +
      'the live token, so that it is done with --fetch alone. It lists what runs on this machine, too; without an account or a hub it checks ' +
      'that alone. Exit code ' +
      '0: all is well; 78: bad settings; 1: something else is wrong.',
  },
  status: {
    line: 'shows what runs on this machine: accounts, tokens, upstreams',
    more:
      'Prints the /status of each sidecar, hub or demo on this machine as a short table, or as JSON with --json. It ' +
      'asks the admin port that WECHAT_SIDECAR_ADMIN_LISTEN names, else all that this user has started. Exit code 0: ' +
      'something runs; 1: nothing does.',
  },
  shutdown: {
    line: 'asks the sidecar in this pod to drain and stop, for Jobs',
    more:
      'Asks the process behind the admin port of this machine to finish the calls in flight and stop; of several, ' +
      'the proxy, unless WECHAT_SIDECAR_ADMIN_LISTEN names another. Exit code 0: it agreed; it may take up to its ' +
      'drainTimeout to be gone.',
  },
};

/** The roles whose settings a command reads. */
export function rolesOf(command: Command): readonly Role[] {
  if (command === 'check') return ['proxy', 'hub'];
  // Both need only the admin port.
  return command === 'status' ? ['shutdown'] : [command];
}
