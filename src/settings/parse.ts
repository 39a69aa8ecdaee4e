import { Secret } from '../base/secret.ts';
import { parseRedisUrl } from '../store/redis-url.ts';
import { isLoopbackName } from '../wechat/hosts.ts';
import { LISTEN_DEFAULTS, type Setting } from './setting.ts';
import { readAccounts } from './accounts.ts';
import { readCallers } from './callers.ts';
import type { AccessOf } from './file-access.ts';
import { storeInClear, upstreamInClear } from './in-clear.ts';
import { type Cells, fileCells, holdsSecret } from './cells.ts';
import {
  apiServerIn,
  doubtfulVariables,
  type Environment,
  isInKubernetes,
  unknownVariables,
} from './environment.ts';
import { readEgressProxy } from './egress.ts';
import { readSettingsFile } from './file.ts';
import { certificates, hostPort, password as passwordForm, storedKey } from './forms.ts';
import { readInjector } from './injector.ts';
import { defaultOf, type ReadFile, SettingsReader } from './reader.ts';
import * as accounts from './table-accounts.ts';
import * as serving from './table-serving.ts';
import type {
  HostPort,
  Role,
  Settings,
  StoreSettings,
  TlsSettings,
  TransparentSettings,
} from './settings.ts';

export interface SettingsSource {
  readonly env: Environment;
  /** The settings file, where there is one. */
  readonly file?: { readonly path: string; readonly text: string };
  readonly role: Role;
  /** For the files that settings name: secrets, keys, certificates. */
  readonly readFile: ReadFile;
  /** Who may read and change those files, and the settings file; without it nothing is said about that. */
  readonly accessOf?: AccessOf;
}

export type ParsedSettings =
  | {
      readonly kind: 'ok';
      readonly settings: Settings;
      readonly warnings: readonly string[];
      /** The files that settings name and that were read: a change in one of them changes the settings. */
      readonly files: readonly string[];
      /** By key, a digest of each setting that takes effect at a start alone. */
      readonly fixed: ReadonlyMap<string, string>;
    }
  | {
      readonly kind: 'bad';
      /** One line each. No secret stands in them. */
      readonly problems: readonly string[];
      readonly files: readonly string[];
    };

/**
 * Everything that is set, from plain data: the environment over the file, setting by setting. Tells
 * every problem at once.
 */
export function parseSettings(source: SettingsSource): ParsedSettings {
  const unknown = unknownVariables(source.env);
  let cells: Cells | undefined;
  if (source.file !== undefined) {
    const file = readSettingsFile(source.file.path, source.file.text);
    if (file.kind === 'bad') return { kind: 'bad', problems: [...file.problems, ...unknown], files: [] };
    cells = fileCells(file);
  }
  const reader = new SettingsReader(source.role, source.env, cells, source.readFile, source.accessOf);
  reader.problems.push(...(cells?.problems ?? []), ...unknown);
  if (source.file !== undefined) {
    reader.judgeFile('the settings file', source.file.path, cells !== undefined && holdsSecret(cells));
  }
  const settings = readAll(reader, source);
  reader.warnings.push(...doubtfulVariables(source.env));
  const files = [...reader.files];
  if (reader.problems.length > 0) return { kind: 'bad', problems: [...new Set(reader.problems)], files };
  return { kind: 'ok', settings, warnings: reader.warnings, files, fixed: reader.fixed };
}

/** With problems, what this gives is not to be used; every part is read all the same, for its problems. */
function readAll(reader: SettingsReader, source: SettingsSource): Settings {
  const { role, file, env } = source;
  const owned = readAccounts(reader, role);
  const { clients, kubernetes } = readCallers(reader, role, owned.apps);
  const listening = readListening(reader, role, env);
  const transparent = readTransparent(reader);
  const allowedHosts = reader.many(serving.allowedHosts) ?? [];
  const listeners = [listening.listen, listening.adminListen, ...(transparent ? [transparent.listen] : [])];
  return {
    role,
    configFile: file?.path,
    ...owned,
    clients,
    kubernetes: { ...kubernetes, apiServer: apiServerIn(env) },
    ...listening,
    tlsCaPem: readAuthorities(reader, source),
    upstreams: readUpstreams(reader),
    egressProxy: readEgressProxy(reader, role, env, { listeners, names: allowedHosts }),
    resolve: reader.oneOrDefault(serving.resolve),
    timeouts: {
      connectMs: reader.oneOrDefault(serving.connectTimeout),
      answerMs: reader.oneOrDefault(serving.answerTimeout),
      idleMs: reader.oneOrDefault(serving.idleTimeout),
    },
    limits: { inFlightMax: reader.oneOrDefault(serving.inFlightLimit) },
    replay: readReplay(reader),
    errorStatus: reader.oneOrDefault(serving.errorStatus),
    foreignTokens: reader.oneOrDefault(serving.foreignTokens),
    listenPeers: readPeers(reader, role, listening.listen, transparent?.listen),
    allowedHosts,
    allowedOrigins: reader.many(serving.allowedOrigins) ?? [],
    signedUrlHosts: reader.many(serving.signedUrlHosts),
    denyPaths: reader.many(serving.denyPaths) ?? [],
    store: readStore(reader),
    drainDelayMs: reader.oneOrDefault(serving.drainDelay),
    drainTimeoutMs: reader.oneOrDefault(serving.drainTimeout),
    logLevel: reader.oneOrDefault(serving.logLevel),
    accessLog: reader.oneOrDefault(serving.accessLog),
    simulator: {
      seed: reader.oneOrDefault(serving.simulatorSeed),
      tls: reader.oneOrDefault(serving.simulatorTls),
      tokenLifeMs: reader.oneOrDefault(serving.simulatorTokenLife),
    },
    injector: readInjector(reader, role),
    transparent,
  };
}

function readListening(
  reader: SettingsReader,
  role: Role,
  env: Environment,
): Pick<Settings, 'listen' | 'adminListen' | 'adminPortMayMove' | 'tls'> {
  const fallback = hostPort.read(LISTEN_DEFAULTS[role]) ?? { host: 'localhost', port: 0 };
  const listen = reader.one(serving.listen) ?? fallback;
  const adminListen = reader.oneOrDefault(serving.adminListen);
  const [given, adminGiven] = [reader.given(serving.listen), reader.given(serving.adminListen)];
  const tls = readTls(reader);
  if (role !== 'shutdown' && listen.port !== 0 && overlap(listen, adminListen)) {
    const name = given?.name ?? adminGiven?.name ?? 'listen';
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

/** The sidecar asks its callers for no credential, so where others can reach it, it is said who may. */
function readPeers(
  reader: SettingsReader,
  role: Role,
  listen: HostPort,
  transparent: HostPort | undefined,
): readonly string[] {
  const peers = reader.many(serving.listenPeers);
  const open = [
    ...(isLoopbackName(listen.host) ? [] : [reader.given(serving.listen)?.name ?? serving.listen.key]),
    ...(transparent === undefined || isLoopbackName(transparent.host)
      ? []
      : [reader.given(serving.transparentListen)?.name ?? serving.transparentListen.key]),
  ];
  const given = reader.given(serving.listenPeers);
  if (role === 'proxy' && given === undefined && open.length > 0) {
    reader.problems.push(
      `${open.join(' and ')}: other machines can reach it, and whoever does calls WeChat as you: list the addresses ` +
        'that may connect in WECHAT_SIDECAR_LISTEN_PEERS (listenPeers), or listen on localhost',
    );
  }
  if (given !== undefined && open.length === 0) {
    reader.warnings.push(`${given.name}: has no effect, since nothing listens beyond loopback`);
  }
  return peers ?? [];
}

function readTransparent(reader: SettingsReader): TransparentSettings | undefined {
  const listen = reader.one(serving.transparentListen);
  const trustFolder = reader.oneOrDefault(serving.transparentTrustFolder);
  const keyFolder = reader.oneOrDefault(serving.transparentKeyFolder);
  return listen === undefined ? undefined : { listen, trustFolder, keyFolder };
}

function readTls(reader: SettingsReader): TlsSettings | undefined {
  const [cert, key] = [reader.given(accounts.tlsCertFile), reader.given(accounts.tlsKeyFile)];
  if (cert !== undefined && key === undefined)
    reader.problems.push(`${cert.name}: is given without its key: set tls.keyFile too`);
  if (cert === undefined && key !== undefined)
    reader.problems.push(`${key.name}: is given without its certificate: set tls.certFile too`);
  const [certFile, keyFile] = [reader.one(accounts.tlsCertFile), reader.one(accounts.tlsKeyFile)];
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
}

/** With those of Node's own variable, which Node 20 forgets for connections that trust others too. */
function readAuthorities(reader: SettingsReader, { env, readFile }: SettingsSource): string | undefined {
  const pem = reader.secretFile(accounts.tlsCaFile, undefined, certificates)?.reveal();
  const { NODE_EXTRA_CA_CERTS: path = '' } = env;
  if (pem === undefined || path === '') return pem;
  try {
    return `${pem}\n${readFile(path)}`;
  } catch {
    // Node has warned of it.
    return pem;
  }
}

function readUpstreams(reader: SettingsReader): readonly string[] {
  const form = serving.upstreams.form;
  const defaults = (serving.upstreams.default ?? '').split(',').flatMap((text) => form.read(text) ?? []);
  const upstreams = [...new Set(reader.many(serving.upstreams) ?? defaults)];
  for (const upstream of upstreams) {
    const warning = upstreamInClear(reader.given(serving.upstreams)?.name ?? 'upstreams', upstream);
    if (warning !== undefined) reader.warnings.push(warning);
  }
  return upstreams;
}

function readReplay(reader: SettingsReader): Settings['replay'] {
  const bodyBytesMax = reader.oneOrDefault(serving.replayBodyLimit);
  const memoryBytesMax = reader.oneOrDefault(serving.replayMemoryLimit);
  if (memoryBytesMax < bodyBytesMax) {
    reader.warnings.push('replay.memoryLimit is less than replay.bodyLimit, which can then never be reached');
  }
  return { bodyBytesMax, memoryBytesMax };
}

function readStore(reader: SettingsReader): StoreSettings {
  const url = reader.one(accounts.storeUrl) ?? defaultOf(accounts.storeUrl);
  const sentinels = reader.many(accounts.storeSentinels) ?? [];
  const cluster = reader.oneOrDefault(accounts.storeCluster);
  const keyPrefix = reader.oneOrDefault(accounts.storeKeyPrefix);
  const encryptionKey = reader.secretFile(accounts.storeEncryptionKeyFile, undefined, storedKey);
  const password = reader.secretFile(accounts.storePasswordFile, undefined, passwordForm);
  const isRedis = /^rediss?:/i.test(url);
  reader.fix(accounts.storeUrl, isRedis ? 'redis' : url);
  for (const setting of OF_REDIS) {
    const cell = reader.given(setting);
    if (cell !== undefined && !isRedis) reader.problems.push(`${cell.name}: is for a Redis store alone`);
  }
  const cell = reader.given(accounts.storeCluster);
  if (cluster && sentinels.length > 0) {
    reader.problems.push(`${cell?.name}: a Redis has Sentinels or is a Cluster, not both`);
  }
  if (isRedis) {
    const whole = withPassword(reader, url, password);
    judgeRedis(reader, { url: whole, sentinels, cluster, isEncrypted: encryptionKey !== undefined });
    return { kind: 'redis', url: new Secret(whole), sentinels, cluster, keyPrefix, encryptionKey };
  }
  if (url === 'memory') return { kind: 'memory' };
  return { kind: 'file', path: url.replace(/^file:(?:\/\/(?=\/))?/, ''), encryptionKey };
}

const OF_REDIS: readonly Setting[] = [
  accounts.storePasswordFile,
  accounts.storeSentinels,
  accounts.storeCluster,
  accounts.storeKeyPrefix,
];

/** The URL with the password of the file in it. */
function withPassword(reader: SettingsReader, url: string, password: Secret | undefined): string {
  if (password === undefined || parseRedisUrl(url).kind === 'bad') return url;
  const whole = new URL(url);
  if (whole.password !== '') {
    const [name, urlName] = [accounts.storePasswordFile, accounts.storeUrl].map(
      (setting) => reader.given(setting)?.name ?? setting.key,
    );
    reader.problems.push(`${name}: ${urlName} has a password too; leave one of them out`);
  }
  whole.password = encodeURIComponent(password.reveal());
  return whole.href;
}

interface GivenRedis {
  readonly url: string;
  readonly sentinels: readonly HostPort[];
  readonly cluster: boolean;
  readonly isEncrypted: boolean;
}

function judgeRedis(reader: SettingsReader, { url, sentinels, cluster, isEncrypted }: GivenRedis): void {
  const parsed = parseRedisUrl(url);
  if (parsed.kind === 'bad') return;
  const { isTls, host, database, username, password } = parsed.url;
  const name = reader.given(accounts.storeUrl)?.name ?? accounts.storeUrl.key;
  if (cluster && database !== 0) {
    reader.problems.push(`${name}: a Redis Cluster has no database but 0: leave it out of the URL`);
  }
  if (username !== '' && password === '') {
    reader.warnings.push(
      `${name}: names a user and no password, so nobody logs in; a password alone is written redis://:password@host`,
    );
  }
  const hosts = sentinels.length === 0 ? [host] : sentinels.map((sentinel) => sentinel.host);
  const warning = storeInClear({ name, isTls, hosts, hasPassword: password !== '', isEncrypted });
  if (warning !== undefined) reader.warnings.push(warning);
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
