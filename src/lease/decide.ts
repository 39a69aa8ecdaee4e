import { policyFor } from '../token/policy.ts';
import { permit, settledLedger } from '../token/ration.ts';
import type { Seen, StoreUnavailable } from '../store/shared-records.ts';
import type { TokenMode } from '../token/token.ts';

/** A lease that is not renewed for this long is over, whatever became of its owner. */
export const LEASE_MS = 8_000;

/**
 * How often a lease is renewed; and a fetch begins no later than this after the lease was asked for,
 * so that one of the usual 5 s at most is over before the lease is, even if no renewal gets through.
 */
export const RENEW_MS = 2_000;

/**
 * After the store was unavailable, an earlier lease may have been forgotten with it (a failover, an empty
 * restart) while its fetch still runs. Classic waits for the end of any such fetch.
 */
export const SETTLE_MS = 15_000;

/** A hub that died with the lease holds up a stable account no longer than this; callers wait for 2.5 s. */
const TAKEOVER_WAIT_MS = 1_000;

/** An owner may release its lease unnoticed, so those who wait ask again. */
const WAIT_MS_MAX = 500;
const WAIT_MS_MIN = 20;

/** What a decision looks at. Times are Unix milliseconds by the store's clock. */
export interface Situation {
  readonly mode: TokenMode;
  readonly force: boolean;
  /** The latest token that we knew of when the round began. */
  readonly known: { readonly generation: number; readonly fingerprint: string } | undefined;
  readonly store: StoreUnavailable | Seen;
  /** How long ago the store answered this, on our own clock, counted from the question. */
  readonly ageMs: number;
  /** For how long we have been waiting for the lease. */
  readonly waitedMs: number;
  /** For how long the store has been connected without a break; Infinity if it never was unavailable. */
  readonly steadyMs: number;
  /** The forced refreshes that we know of; undefined before the store has answered. */
  readonly forcedAtUnixMs: readonly number[] | undefined;
}

export type Decision =
  | { readonly kind: 'fetch' }
  /**
   * Without a lease: the stable endpoint gives every asker the same token. Beside a lease, whatever its owner publishes
   * is the later one: it may have been forced after ours was given.
   */
  | { readonly kind: 'fetchAlone' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'wait'; readonly forMs: number }
  | { readonly kind: 'deny'; readonly why: StoreLack };

/** What the store would have to say before we may fetch. */
export type StoreLack = 'unavailable' | 'undecryptable' | 'forced_unknown';

/** What to do about a wish to fetch, given the store's answer to the question for the lease. */
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
  // We slept on the answer, and the lease may be over.
  if (situation.ageMs > RENEW_MS) return { kind: 'wait', forMs: WAIT_MS_MIN };
  if (mode === 'classic' && situation.steadyMs < SETTLE_MS) {
    return { kind: 'wait', forMs: Math.min(SETTLE_MS - situation.steadyMs, WAIT_MS_MAX) };
  }
  const { ration } = policyFor('stable');
  const ledger = settledLedger(forcedAtUnixMs ?? [], store.forcedAtUnixMs, ration, nowUnixMs);
  if (force && permit(ledger, ration, nowUnixMs).kind !== 'allowed') return { kind: 'superseded' };
  return { kind: 'fetch' };
}

function withoutStore(
  why: 'unavailable' | 'undecryptable',
  { mode, force, forcedAtUnixMs }: Situation,
): Decision {
  if (mode === 'classic') return { kind: 'deny', why };
  // Whoever forces does so after a trial that failed, and the platform itself spaces forced refreshes;
  // but how many are left of the day's is known only to those who have seen the ledger.
  if (force && forcedAtUnixMs === undefined) return { kind: 'deny', why: 'forced_unknown' };
  return { kind: 'fetchAlone' };
}
