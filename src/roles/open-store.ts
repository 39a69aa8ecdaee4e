import { hostname } from 'node:os';
import { randomHex } from '../base/random.ts';
import { memoryStore, type TokenStore } from '../store/store.ts';
import type { RoleContext } from './role.ts';
import type { StoreSettings } from '../settings/store.ts';

/** Opens the store that the settings configure. */
export async function openStore(
  store: StoreSettings,
  { clock, random, log, onRejection }: RoleContext,
): Promise<TokenStore> {
  switch (store.kind) {
    case 'memory':
      return memoryStore;
    case 'file': {
      const { makeFileStore } = await import('../store/file-store.ts');
      return makeFileStore({ path: store.path, encryptionKey: store.encryptionKey, clock, random, log });
    }
    case 'redis': {
      const { keyPrefix, encryptionKey, ...target } = store;
      // Unique per process, also for two processes on one machine and after a restart.
      const holder = `${hostname()}-${randomHex(6, random)}`;
      // Imported lazily: the Redis client is large, and most installations have no Redis.
      const { makeRedisStore } = await import('../lease/redis-store.ts');
      return makeRedisStore({ target, keyPrefix, encryptionKey, holder, clock, random, log, onRejection });
    }
  }
}

/** Applies what may change without a restart: the address of Redis and its credentials. */
export function reconfigureStore(store: TokenStore, next: StoreSettings): void {
  if (next.kind === 'redis') store.use?.(next);
}
