import { isLoopbackName } from '../wechat/hosts.ts';
import { readAccounts } from './accounts.ts';
import { readCallers } from './callers.ts';
import { readEgressProxy } from './egress.ts';
import {
  apiServerIn,
  doubtfulVariables,
  type Environment,
  isInKubernetes,
  unknownVariables,
} from './environment.ts';
import type { AccessOf } from './file-access.ts';
import { readSettingsFile } from './file.ts';
import { upstreamInClear } from './in-clear.ts';
import { readInjector } from './injector.ts';
import { fixedIn, type FixedValues, gather } from './raw.ts';
import { type ReadFile, SettingsReader } from './reader.ts';
import type { Role } from './role.ts';
import type { Key } from './schema.ts';
import type { Settings } from './settings.ts';
import { readStore } from './store.ts';
import { certificates, type HostPort, hostPort } from './types.ts';

export interface SettingsSource {
  readonly env: Environment;
  /** The settings file, if there is one. */
  readonly file?: { readonly path: string; readonly text: string };
  readonly role: Role;
  /** Reads the files that settings name: secrets, keys, certificates. */
  readonly readFile: ReadFile;
  /** For settings that are applied without a start: what those that need one were at the start, without their files. */
  readonly started?: FixedValues;
  /** The permissions of those files and the settings file; without it they are not checked. */
  readonly accessOf?: AccessOf;
}

export type ParsedSettings =
  | {
      readonly kind: 'ok';
      readonly settings: Settings;
      readonly warnings: readonly string[];
      /** The files that settings name and that were read: a change in one of them changes the settings. */
      readonly files: readonly string[];
      /** By key, a digest of each setting that takes effect only at start. */
      readonly fixed: ReadonlyMap<string, string>;
      /** The same settings as they were given. */
      readonly fixedValues: FixedValues;
    }
  | {
      readonly kind: 'bad';
      /** One line each, without any secret. */
      readonly problems: readonly string[];
      readonly files: readonly string[];
    };

/**
 * Parses all settings from plain data; for each setting the environment overrides the file. Reports every problem at
 * once.
 */
export function parseSettings(source: SettingsSource): ParsedSettings {
  const { env, role, readFile, started, accessOf = () => undefined } = source;
  const file = source.file && readSettingsFile(source.file.path, source.file.text);
  if (file?.kind === 'bad') {
    return { kind: 'bad', problems: [...file.problems, ...unknownVariables(env)], files: [] };
  }
  const raw = gather(file, env, role, started);
  const reader = new SettingsReader({
    raw,
    env,
    readFile,
    accessOf,
    file: source.file?.path,
    isAsStarted: started !== undefined,
  });
  const settings = readAll(reader, source);
  reader.warnings.push(...doubtfulVariables(env));
  const files = [...reader.files];
  if (reader.problems.length > 0) return { kind: 'bad', problems: [...new Set(reader.problems)], files };
  const { warnings, fixed } = reader;
  return { kind: 'ok', settings, warnings, files, fixed, fixedValues: fixedIn(raw) };
}

/** If there are problems the result is invalid; reading continues to collect all of them. */
function readAll(reader: SettingsReader, source: SettingsSource): Settings {
  const { role, file, env } = source;
  const { egressProxyFile: _, drainDelay, drainTimeout, jssdk, ...values } = reader.values;
  const owned = readAccounts(reader, role);
  const { clients, allow } = readCallers(reader, role, owned.apps);
  const listening = readListening(reader, role, env);
  const { transparent, allowedHosts, kubernetes, replay, upstreams } = values;
  const listeners = [listening.listen, listening.adminListen, ...(transparent ? [transparent.listen] : [])];
  checkPeers(reader, role, listening.listen);
  for (const url of upstreams) reader.addWarning(upstreamInClear(reader.nameOf('upstreams'), url));
  if (replay.memoryBytesMax !== undefined && replay.memoryBytesMax < replay.bodyBytesMax) {
    reader.warnings.push('replay.memoryLimit is less than replay.bodyLimit, which can then never be reached');
  }
  return {
    ...values,
    role,
    configFile: file?.path,
    ...owned,
    clients,
    kubernetes: { audience: kubernetes.audience, allow, apiServer: apiServerIn(env) },
    ...listening,
    tlsCaPem: readAuthorities(reader, source),
    egressProxy: readEgressProxy(reader, role, env, { listeners, names: allowedHosts }),
    signedUrlHosts: jssdk.allowedUrlHosts,
    store: readStore(reader),
    drainDelayMs: drainDelay,
    drainTimeoutMs: drainTimeout,
    injector: readInjector(reader, role),
    transparent,
  };
}

/** The default listen addresses. */
const LISTEN_DEFAULTS: Readonly<Record<Role, string>> = {
  proxy: 'localhost:3880',
  demo: 'localhost:3880',
  hub: '0.0.0.0:3882',
  injector: '0.0.0.0:3883',
  simulator: 'localhost:3884',
  shutdown: 'localhost:3880',
};

function readListening(
  reader: SettingsReader,
  role: Role,
  env: Environment,
): Pick<Settings, 'listen' | 'adminListen' | 'adminPortMayMove' | 'tls'> {
  const { adminListen, listen = hostPort.parse(LISTEN_DEFAULTS[role]) } = reader.values;
  const adminGiven = reader.given('adminListen');
  const tls = readTls(reader);
  if (role !== 'shutdown' && listen.port !== 0 && overlap(listen, adminListen)) {
    const name = reader.given('listen') ?? adminGiven ?? 'listen';
    reader.problems.push(`${name}: listen and adminListen share the port ${listen.port}: they need one each`);
  }
  if (role === 'hub' && tls === undefined && !isLoopbackName(listen.host)) {
    reader.warnings.push(
      'tokens leave this hub in clear: set tls.certFile and tls.keyFile, unless the network between is trusted',
    );
  }
  const adminPortMayMove = adminGiven === undefined && !isInKubernetes(env);
  return { listen, adminListen, adminPortMayMove, tls };
}

/** The sidecar does not authenticate its callers, so if others can reach it, the settings must say who may. */
function checkPeers(reader: SettingsReader, role: Role, listen: HostPort): void {
  const { transparent } = reader.values;
  const open: Key[] = isLoopbackName(listen.host) ? [] : ['listen'];
  if (transparent !== undefined && !isLoopbackName(transparent.listen.host)) open.push('transparent.listen');
  const given = reader.given('listenPeers');
  if (role === 'proxy' && given === undefined && open.length > 0) {
    const names = open.map((key) => reader.nameOf(key)).join(' and ');
    reader.problems.push(
      `${names}: other machines can reach it, and anyone who does can call WeChat as you: list the addresses ` +
        'that may connect in WECHAT_SIDECAR_LISTEN_PEERS (listenPeers), or listen on localhost',
    );
  }
  if (given !== undefined && open.length === 0) {
    reader.warnOf('listenPeers', 'has no effect, since nothing listens beyond loopback');
  }
}

function readTls(reader: SettingsReader): Settings['tls'] {
  const { certFile, keyFile } = reader.values.tls;
  const [hasCert, hasKey] = [reader.given('tls.certFile'), reader.given('tls.keyFile')].map(Boolean);
  if (hasCert && !hasKey) reader.refuse('tls.certFile', 'is set without its key: set tls.keyFile too');
  if (!hasCert && hasKey)
    reader.refuse('tls.keyFile', 'is set without its certificate: set tls.certFile too');
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
}

/** Includes those of Node's own variable, which Node 20 ignores for connections with additional authorities. */
function readAuthorities(reader: SettingsReader, { env, readFile }: SettingsSource): string | undefined {
  const pem = reader.content('tls.caFile', certificates)?.reveal();
  const { NODE_EXTRA_CA_CERTS: path = '' } = env;
  if (pem === undefined || path === '') return pem;
  try {
    return `${pem}\n${readFile(path)}`;
  } catch {
    // Node has already warned about it.
    return pem;
  }
}

function overlap(one: HostPort, other: HostPort): boolean {
  if (one.port !== other.port) return false;
  const hosts = [one.host, other.host];
  return (
    one.host === other.host ||
    hosts.some((host) => host === '0.0.0.0' || host === '::') ||
    (hosts.includes('localhost') && hosts.every(isLoopbackName))
  );
}
