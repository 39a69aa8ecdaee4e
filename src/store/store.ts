import type { LeaseManager } from '../token/lease.ts';
import type { SharedState } from '../token/state.ts';
import type { RedisTarget } from './redis-client.ts';
import type { SharedAccount } from './shared-records.ts';

/**
 * Keeps the tokens and forced refreshes of accounts when the process ends. All times are on this process's
 * monotonic clock. Read and write errors are logged and never thrown.
 */
export interface TokenStore {
  load(account: SharedAccount): Promise<SharedState | undefined>;
  /** Returns at once and writes asynchronously; the last save of an account wins. */
  save(account: SharedAccount, known: SharedState): void;
  /**
   * Present if saving takes a while: resolves when everything saved is written, or after a short time
   * if that fails. For records that must survive a crash.
   */
  written?(): Promise<void>;
  /** Present if other processes own the same accounts. Call it before `load`; `onShared` receives what they publish. */
  share?(account: SharedAccount, onShared: (shared: SharedState) => void): LeaseManager;
  /** Present if new settings for the same kind of store can be applied at runtime. */
  use?(target: RedisTarget): void;
  /** Flushes pending writes. */
  close(): Promise<void>;
}

export const memoryStore: TokenStore = {
  load: () => Promise.resolve(undefined),
  save() {},
  close: () => Promise.resolve(),
};
