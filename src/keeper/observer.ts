import type { LookOutcome, Result, Trigger } from '../token/state.ts';

/** Receives events of keepers: for metrics, and for watchers that wait for a new token. */
export interface KeeperObserver {
  refreshed(event: { appid: string; trigger: Trigger; result: Result }): void;
  /** `errcode` is the platform's; undefined if it was not reached or its response was unreadable. */
  fetchFailed(event: { appid: string; errcode: number | undefined }): void;
  /** A look has ended. */
  looked(event: { appid: string; outcome: LookOutcome }): void;
  /** Whether a refused token has to wait for its successor, because the quota is used up for now. */
  rationed(event: { appid: string; isRationed: boolean }): void;
  tokenChanged(event: { appid: string; fingerprint: string; expiresAtUnixMs: number }): void;
}

export const silentObserver: KeeperObserver = {
  refreshed() {},
  fetchFailed() {},
  looked() {},
  rationed() {},
  tokenChanged() {},
};
