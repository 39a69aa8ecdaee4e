import { hostname } from 'node:os';
import { randomHex } from '../base/random.ts';
import { memoryStore, type TokenStore } from '../store/store.ts';
import type { RoleContext } from './role.ts';
import type { StoreSettings } from '../settings/store.ts';

/** The store that the settings name. */
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
      const { keyPrefix, encryptionKey, ...place } = store;
      // Two of us on one machine, or after a restart, are two.
      const holder = `${hostname()}-${randomHex(6, random)}`;
      // The client of Redis is large, and most have no Redis.
      const { makeRedisStore } = await import('../lease/redis-store.ts');
      return makeRedisStore({ place, keyPrefix, encryptionKey, holder, clock, random, log, onRejection });
    }
  }
}

/** Takes over what may change without a restart: where Redis is, and how to log in. */
export function reconfigureStore(store: TokenStore, next: StoreSettings): void {
  if (next.kind === 'redis') store.use?.(next);
}
