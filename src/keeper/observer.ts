import type { LookOutcome, Result, Trigger } from '../token/state.ts';

/** Receives events of keepers: for metrics, and for watchers that wait for a new token. */
export interface KeeperObserver {
  refreshed(told: { appid: string; trigger: Trigger; result: Result }): void;
  /** `errcode` is the platform's; undefined if it was not reached or its response was unreadable. */
  fetchFailed(told: { appid: string; errcode: number | undefined }): void;
  /** A look has ended. */
  looked(told: { appid: string; outcome: LookOutcome }): void;
  /** Whether a refused token has to wait for its successor, because the quota is used up for now. */
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
