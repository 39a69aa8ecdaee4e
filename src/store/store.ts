import type { LeaseManager } from '../token/lease.ts';
import type { Shared } from '../token/state.ts';
import type { RedisPlace } from './redis-client.ts';
import type { SharedAccount } from './shared-records.ts';

/**
 * Keeps the tokens and forced refreshes of accounts beyond the life of a process. All times are on this
 * process's monotonic clock. A store that cannot be read or written logs that, and never fails its caller.
 */
export interface TokenStore {
  load(account: SharedAccount): Promise<Shared | undefined>;
  /** Returns at once. It is written behind; the last one of an account wins. */
  save(account: SharedAccount, known: Shared): void;
  /**
   * Present if saving takes a while: resolves when all that was saved is written, or after a moment
   * if that fails. For what must not be forgotten by a crash.
   */
  written?(): Promise<void>;
  /** Present if other processes hold the same accounts. To be called before `load`; `onShared` receives what they publish. */
  share?(account: SharedAccount, onShared: (shared: Shared) => void): LeaseManager;
  /** Present if other settings of the same kind can be taken over while we run. */
  use?(place: RedisPlace): void;
  /** Writes what is still to be written. */
  close(): Promise<void>;
}

export const memoryStore: TokenStore = {
  load: () => Promise.resolve(undefined),
  save() {},
  close: () => Promise.resolve(),
};
