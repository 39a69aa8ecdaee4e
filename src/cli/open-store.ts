import { memoryStore, type TokenStore } from '../keeper/store.ts';
import type { RoleContext } from './role.ts';
import type { StoreSettings } from './settings.ts';

export function openStore(_store: StoreSettings, _context: RoleContext): TokenStore {
  return memoryStore;
}
