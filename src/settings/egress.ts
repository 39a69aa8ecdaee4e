import type { EgressProxy } from '../upstream/egress-proxy.ts';
import { isLoopbackName } from '../wechat/hosts.ts';
import { type Environment, isGiven } from './environment.ts';
import type { SettingsReader } from './reader.ts';
import { type Role, TOKEN_ROLES } from './role.ts';
import { acceptedBy, egressProxyUrl, type HostPort, type ProxyUrl } from './types.ts';

/** The addresses that this process serves itself. */
export interface OwnListeners {
  readonly listeners: readonly HostPort[];
  /** Other names that lead to it. */
  readonly names: readonly string[];
}

/** The proxy for calls to the platform: the configured one, else the one from the environment's proxy variables. */
export function readEgressProxy(
  reader: SettingsReader,
  role: Role,
  env: Environment,
  own: OwnListeners,
): EgressProxy | undefined {
  if (!TOKEN_ROLES.includes(role)) return undefined;
  const from = reader.given('egressProxy') ?? reader.given('egressProxyFile');
  if (from === undefined) return inherited(reader, env, own);
  if (!reader.onlyOne('egressProxy', 'egressProxyFile')) return undefined;
  const text = reader.content('egressProxyFile', egressProxyUrl)?.reveal();
  const given = text === undefined ? reader.values.egressProxy : egressProxyUrl.parse(text);
  if (given === undefined || given === 'none') return undefined;
  if (isOwn(given, own)) reader.problems.push(`${from}: ${OWN}`);
  return { ...given, noProxy: '', from };
}

const OWN = 'names a listener of this process itself as the proxy, which does not accept CONNECT';

/** Many programs read these variables, so a value that we cannot use must not prevent the start. */
function inherited(reader: SettingsReader, env: Environment, own: OwnListeners): EgressProxy | undefined {
  const from = firstGiven(env, ['https_proxy', 'HTTPS_PROXY']);
  const text = from === undefined ? '' : (env[from] ?? '').trim();
  if (from === undefined) return undefined;
  const proxy = egressProxyUrl.safeParse(text.includes('://') ? text : `http://${text}`).data;
  const direct = 'calls to the platform leave directly';
  if (proxy === undefined || proxy === 'none') {
    reader.warnings.push(
      `${from}: got a value of ${text.length} characters, used is ${acceptedBy(egressProxyUrl)}: ${direct}`,
    );
    return undefined;
  }
  if (isOwn(proxy, own)) {
    reader.warnings.push(`${from}: ${OWN}: ${direct}; WECHAT_SIDECAR_EGRESS_PROXY=none says so for good`);
    return undefined;
  }
  return { ...proxy, noProxy: env[firstGiven(env, ['no_proxy', 'NO_PROXY']) ?? ''] ?? '', from };
}

/** The lower-case one first, as curl and most programs do. */
function firstGiven(env: Environment, names: readonly string[]): string | undefined {
  return names.find((name) => isGiven(env[name]));
}

const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

function isOwn({ hostname, port }: ProxyUrl, { listeners, names }: OwnListeners): boolean {
  const isHere = isLoopbackName(hostname) || EVERY_ADDRESS.includes(hostname);
  return listeners.some((listener) => {
    if (listener.port !== port) return false;
    const isOnLoopback = isLoopbackName(listener.host) || EVERY_ADDRESS.includes(listener.host);
    return listener.host.toLowerCase() === hostname || names.includes(hostname) || (isHere && isOnLoopback);
  });
}
