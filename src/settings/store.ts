import { Secret } from '../base/secret.ts';
import { parseRedisUrl } from '../store/redis-url.ts';
import { storeInClear } from './in-clear.ts';
import type { SettingsReader } from './reader.ts';
import { type HostPort, password, storedKey } from './types.ts';

export type StoreSettings =
  | { readonly kind: 'memory' }
  | { readonly kind: 'file'; readonly path: string; readonly encryptionKey: Secret | undefined }
  | {
      readonly kind: 'redis';
      /** redis:// or rediss://, possibly with a password. With Sentinels its host is the name of the group. */
      readonly url: Secret;
      /** Empty: the URL names the server itself. */
      readonly sentinels: readonly HostPort[];
      /** The URL names one node of a Redis Cluster. */
      readonly cluster: boolean;
      readonly keyPrefix: string;
      readonly encryptionKey: Secret | undefined;
    };

const OF_REDIS = ['store.passwordFile', 'store.sentinels', 'store.cluster', 'store.keyPrefix'] as const;

export function readStore(reader: SettingsReader): StoreSettings {
  const { url, sentinels = [], cluster, keyPrefix } = reader.values.store;
  const encryptionKey = reader.content('store.encryptionKeyFile', storedKey);
  const redisPassword = reader.content('store.passwordFile', password);
  const isRedis = /^rediss?:/i.test(url);
  // Another Redis can be switched to at runtime, another kind of store cannot.
  reader.fixed.set('store.url', isRedis ? 'redis' : url);
  for (const key of OF_REDIS) {
    if (reader.given(key) !== undefined && !isRedis) reader.refuse(key, 'is for a Redis store alone');
  }
  if (cluster && sentinels.length > 0) {
    reader.refuse('store.cluster', 'a Redis has Sentinels or is a Cluster, not both');
  }
  if (isRedis) {
    const whole = withPassword(reader, url, redisPassword);
    judgeRedis(reader, { url: whole, sentinels, cluster, isEncrypted: encryptionKey !== undefined });
    return { kind: 'redis', url: new Secret(whole), sentinels, cluster, keyPrefix, encryptionKey };
  }
  if (url === 'memory') return { kind: 'memory' };
  return { kind: 'file', path: url.replace(/^file:(?:\/\/(?=\/))?/, ''), encryptionKey };
}

/** The URL with the password from the file. */
function withPassword(reader: SettingsReader, url: string, secret: Secret | undefined): string {
  if (secret === undefined) return url;
  const whole = new URL(url);
  if (whole.password !== '') {
    const name = reader.nameOf('store.url');
    reader.refuse('store.passwordFile', `${name} has a password too; leave one of them out`);
  }
  whole.password = encodeURIComponent(secret.reveal());
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
  const { isTls, host, database, username, password: secret } = parsed.url;
  if (cluster && database !== 0) {
    reader.refuse('store.url', 'a Redis Cluster has no database but 0: leave it out of the URL');
  }
  if (username !== '' && secret === '') {
    reader.warnOf(
      'store.url',
      'names a user and no password, so nobody logs in; a password alone is written redis://:password@host',
    );
  }
  const hosts = sentinels.length === 0 ? [host] : sentinels.map((sentinel) => sentinel.host);
  const name = reader.nameOf('store.url');
  reader.addWarning(storeInClear({ name, isTls, hosts, hasPassword: secret !== '', isEncrypted }));
}
