import { type Clock, toUnixMs } from '../base/clock.ts';
import { isDoubted } from '../token/doubt.ts';
import { policyFor } from '../token/policy.ts';
import { pruned } from '../token/quota.ts';
import { type Phase, type State, wakeAtMs } from '../token/state.ts';
import { isLive, type TokenMode } from '../token/token.ts';
import type { LastFailure } from './failures.ts';
import { RATIONED, SPACED } from './keeper-log.ts';
import type { LeaseStatus } from '../token/lease.ts';
import { nextWords } from './next-words.ts';

/** One account, for `/status`. Times are Unix milliseconds. */
export interface AccountStatus {
  readonly appid: string;
  readonly mode: TokenMode;
  readonly phase: Phase['kind'];
  /** Absent if there is no live token. */
  readonly fingerprint?: string;
  readonly issuedAtUnixMs?: number;
  readonly expiresAtUnixMs?: number;
  /** When the platform is asked next; absent during a request. */
  readonly nextRefreshUnixMs?: number;
  /** What is being done about it, and when, in one sentence. */
  readonly next: string;
  readonly suspected: boolean;
  /** Number of paths whose reports start nothing for now, because a look found the token accepted. */
  readonly heldPaths: number;
  /** Present while a refused token waits for its successor: until when, and why. */
  readonly rationed?: { readonly untilUnixMs: number; readonly message: string };
  readonly lastFailure?: LastFailure;
  readonly fetchesLastDay: number;
  readonly forcedLastDay: number;
  readonly forcedLeft: number;
  readonly waiting: number;
  /** Present if other processes share the account. */
  readonly shared?: LeaseStatus;
}

interface Seen {
  readonly appid: string;
  readonly mode: TokenMode;
  readonly state: State;
  readonly lastFailure: LastFailure | undefined;
  readonly fetchesLastDay: number;
  readonly waiting: number;
  readonly shared: LeaseStatus | undefined;
}

export function accountStatus(seen: Seen, clock: Clock): AccountStatus {
  const { appid, mode, state, lastFailure, fetchesLastDay, waiting, shared } = seen;
  const nowMs = clock.monotonicMs();
  const unixMs = (lifeMs: number): number => Math.round(toUnixMs(lifeMs, clock));
  const { quota } = policyFor('stable');
  const forcedLastDay = pruned(state.usedAtMs.stable, quota, nowMs).length;
  const nextMs = wakeAtMs(state);
  return {
    appid,
    mode,
    phase: state.phase.kind,
    ...(isLive(state.token, nowMs) && {
      fingerprint: state.token.fingerprint,
      issuedAtUnixMs: unixMs(state.token.issuedAtMs),
      expiresAtUnixMs: unixMs(state.token.expiresAtMs),
    }),
    ...(nextMs !== undefined && { nextRefreshUnixMs: unixMs(nextMs) }),
    next: nextWords(state, shared, nowMs),
    suspected: isDoubted(state.doubt),
    heldPaths: [...state.doubt.holds.values()].filter((hold) => nowMs < hold.untilMs).length,
    ...(state.phase.kind === 'rationed' && {
      rationed: {
        untilUnixMs: unixMs(state.phase.untilMs),
        message: state.phase.next === 'fetch' ? SPACED : RATIONED,
      },
    }),
    ...(lastFailure !== undefined && { lastFailure }),
    fetchesLastDay,
    forcedLastDay,
    forcedLeft: quota.max - forcedLastDay,
    waiting,
    ...(shared !== undefined && { shared }),
  };
}
