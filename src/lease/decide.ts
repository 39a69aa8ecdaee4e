import { policyFor } from '../token/policy.ts';
import { checkQuota, currentUses } from '../token/quota.ts';
import type { Seen, StoreUnavailable } from '../store/shared-records.ts';
import type { DenialReason } from '../token/lease.ts';
import type { TokenMode } from '../token/token.ts';

/** A lease that is not renewed for this long expires, whatever its owner is doing. */
export const LEASE_MS = 8_000;

/**
 * How often a lease is renewed. A fetch also begins no later than this after the lease was requested, so
 * that a fetch of the usual 5 s at most ends before the lease expires, even if every renewal fails.
 */
export const RENEW_MS = 2_000;

/**
 * If the store was unavailable, it may have lost a lease (a failover, an empty restart) whose fetch still
 * runs. Classic waits until any such fetch has ended.
 */
export const SETTLE_MS = 15_000;

/** A hub that died with the lease delays a stable account no longer than this; callers wait for 2.5 s. */
const TAKEOVER_WAIT_MS = 1_000;

/** The release of a lease is not announced, so waiting processes ask again this often. */
const WAIT_MS_MAX = 500;
const WAIT_MS_MIN = 20;

/** The inputs of a decision. Times are Unix milliseconds by the store's clock. */
export interface Situation {
  readonly mode: TokenMode;
  readonly force: boolean;
  /** The latest token that we knew of when the round began. */
  readonly known: { readonly generation: number; readonly fingerprint: string } | undefined;
  readonly store: StoreUnavailable | Seen;
  /** The age of the store's response on our own clock, counted from the request. */
  readonly ageMs: number;
  /** How long we have been waiting for the lease. */
  readonly waitedMs: number;
  /** How long the store has been connected without interruption; Infinity if it never was unavailable. */
  readonly steadyMs: number;
  /** The forced refreshes that we know of; undefined until the store has responded. */
  readonly forcedAtUnixMs: readonly number[] | undefined;
}

export type Decision =
  | { readonly kind: 'fetch' }
  /**
   * Without a lease: the stable endpoint returns the same token to everyone. If another owner has the lease, the token
   * that it publishes counts as later than ours: it may have been forced after ours was issued.
   */
  | { readonly kind: 'fetchAlone' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'wait'; readonly forMs: number }
  | { readonly kind: 'deny'; readonly why: DenialReason };

/** Decides whether to fetch, given the store's response to our request for the lease. */
export function decide(situation: Situation): Decision {
  const { mode, force, store, forcedAtUnixMs } = situation;
  if (store.kind === 'unavailable') return withoutStore('unavailable', situation);
  const { record, nowUnixMs } = store;
  const isLive = record !== undefined && record.expiresAtUnixMs > nowUnixMs;
  if (isLive && store.isUndecryptable) return withoutStore('undecryptable', situation);
  const isLater = isLive && record.generation > (situation.known?.generation ?? 0);
  if (isLater && record.fingerprint !== situation.known?.fingerprint) return { kind: 'superseded' };
  if (store.lease?.isOurs !== true) {
    if (mode === 'stable' && !force && situation.waitedMs >= TAKEOVER_WAIT_MS) return { kind: 'fetchAlone' };
    return { kind: 'wait', forMs: Math.min(Math.max(store.lease?.leftMs ?? 0, WAIT_MS_MIN), WAIT_MS_MAX) };
  }
  // The response is too old (we may have been suspended), and the lease may have expired.
  if (situation.ageMs > RENEW_MS) return { kind: 'wait', forMs: WAIT_MS_MIN };
  if (mode === 'classic' && situation.steadyMs < SETTLE_MS) {
    return { kind: 'wait', forMs: Math.min(SETTLE_MS - situation.steadyMs, WAIT_MS_MAX) };
  }
  const { quota } = policyFor('stable');
  const uses = currentUses(forcedAtUnixMs ?? [], store.forcedAtUnixMs, quota, nowUnixMs);
  if (force && checkQuota(uses, quota, nowUnixMs).kind !== 'allowed') return { kind: 'superseded' };
  return { kind: 'fetch' };
}

function withoutStore(
  why: 'unavailable' | 'undecryptable',
  { mode, force, forcedAtUnixMs }: Situation,
): Decision {
  if (mode === 'classic') return { kind: 'deny', why };
  // A forced refresh follows a failed probe, and the platform itself spaces forced refreshes; but how many
  // of the daily quota are left is known only if the recorded uses have been read.
  if (force && forcedAtUnixMs === undefined) return { kind: 'deny', why: 'forced_unknown' };
  return { kind: 'fetchAlone' };
}
