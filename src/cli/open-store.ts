import { makeFileStore } from '../keeper/file-store.ts';
import { memoryStore, type TokenStore } from '../keeper/store.ts';
import type { RoleContext } from './role.ts';
import type { StoreSettings } from './settings.ts';

/** The store that the settings name. */
export function openStore(store: StoreSettings, { clock, random, log }: RoleContext): TokenStore {
  switch (store.kind) {
    case 'memory':
      return memoryStore;
    case 'file':
      return makeFileStore({ path: store.path, clock, random, log });
    case 'redis':
      throw new Error('Cannot keep tokens in Redis yet');
  }
}
