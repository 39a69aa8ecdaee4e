import type { Secret } from '../base/secret.ts';
import type { RedisTarget } from '../store/redis-client.ts';
import type { RedisLinksParts } from '../store/redis-links.ts';
import { RedisRecords } from '../store/redis-records.ts';
import { makeTokenCipher } from '../store/cipher.ts';
import { SharedStore, type SharedStoreParts } from './shared-store.ts';
import type { TokenStore } from '../store/store.ts';

export interface RedisStoreParts extends Omit<SharedStoreParts, 'records'> {
  readonly target: RedisTarget;
  readonly keyPrefix: string;
  readonly encryptionKey: Secret | undefined;
  readonly onRejection?: RedisLinksParts['onRejection'];
}

/** Keeps tokens in a Redis (5 or later) that any number of processes share. */
export function makeRedisStore({ target, keyPrefix, encryptionKey, ...parts }: RedisStoreParts): TokenStore {
  const records = new RedisRecords({ ...parts, target, keyPrefix, cipher: makeTokenCipher(encryptionKey) });
  const store: TokenStore = new SharedStore({ ...parts, records });
  store.use = (next) => records.use(next);
  return store;
}
