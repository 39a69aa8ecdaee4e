import type { LookOutcome, Result, Trigger } from '../token/state.ts';

/** What keepers tell whoever counts: metrics, and those who wait for a new token. */
export interface KeeperObserver {
  refreshed(told: { appid: string; trigger: Trigger; result: Result }): void;
  /** `errcode` is the platform's own; undefined if it was not reached, or answered nothing readable. */
  fetchFailed(told: { appid: string; errcode: number | undefined }): void;
  /** Reports of a refused token were looked into. */
  looked(told: { appid: string; outcome: LookOutcome }): void;
  /** Whether a refused token has to wait for its successor, because no more may be spent now. */
  rationed(told: { appid: string; isRationed: boolean }): void;
  tokenChanged(told: { appid: string; fingerprint: string; expiresAtUnixMs: number }): void;
}

export const silentObserver: KeeperObserver = {
  refreshed() {},
  fetchFailed() {},
  looked() {},
  rationed() {},
  tokenChanged() {},
};
