import type { Result, Trigger } from '../token/state.ts';

/** What keepers tell whoever counts: metrics, and those who wait for a new token. */
export interface KeeperObserver {
  refreshed(told: { appid: string; trigger: Trigger; result: Result }): void;
  /** `errcode` is the platform's own; -1 where it gave none. */
  fetchFailed(told: { appid: string; errcode: number }): void;
  tokenChanged(told: { appid: string; fingerprint: string; expiresAtUnixMs: number }): void;
}

export const silentObserver: KeeperObserver = { refreshed() {}, fetchFailed() {}, tokenChanged() {} };
