import { policyFor } from '../token/policy.ts';
import { permit, settledLedger } from '../token/ration.ts';
import type { Away, Seen } from '../store/shared-records.ts';
import type { TokenMode } from '../token/token.ts';

/** A turn that is not renewed for this long is over, whatever became of its holder. */
export const TURN_MS = 8_000;

/**
 * How often a turn is renewed; and a fetch begins no later than this after the question for the turn,
 * so that one of the usual 5 s at most is over before the turn is, even where no renewal gets through.
 */
export const RENEW_MS = 2_000;

/**
 * After the store was unavailable, a turn of before may have been forgotten with it (a failover, an empty
 * restart) while its fetch still runs. Classic waits for the end of any such fetch.
 */
export const SETTLE_MS = 15_000;

/** A hub that died in its turn holds up a stable account no longer than this; callers wait for 2.5 s. */
export const PATIENCE_MS = 1_000;

/** A holder may release its turn without a word; so the waiting look again. */
const WAIT_MS_MAX = 500;
const WAIT_MS_MIN = 20;

/** What a decision looks at. Times are Unix milliseconds by the store's clock. */
export interface Situation {
  readonly mode: TokenMode;
  readonly force: boolean;
  /** The latest token that we knew of when the round began. */
  readonly known: { readonly generation: number; readonly fingerprint: string } | undefined;
  readonly store: Away | Seen;
  /** How long ago the store answered this, on our own clock, counted from the question. */
  readonly ageMs: number;
  /** For how long we have been waiting for our turn. */
  readonly waitedMs: number;
  /** For how long the store has been there without a break; Infinity if it never was unavailable. */
  readonly steadyMs: number;
  /** What forced refreshes we know of; undefined before the store has told. */
  readonly ledgerUnixMs: readonly number[] | undefined;
}

export type Decision =
  | { readonly kind: 'fetch' }
  /**
   * Without a turn: the stable endpoint gives every asker the same token. Beside a turn, whatever its holder publishes
   * is the later one: it may have been forced after ours was given.
   */
  | { readonly kind: 'fetchAlone' }
  | { readonly kind: 'needless' }
  | { readonly kind: 'wait'; readonly forMs: number }
  | { readonly kind: 'withhold'; readonly why: 'away' | 'sealed' | 'ledger' };

/** What to do about a wish to fetch, given what the store told when it was asked for the turn. */
export function decide(situation: Situation): Decision {
  const { mode, force, store, ledgerUnixMs } = situation;
  if (store.kind === 'away') return withoutStore('away', situation);
  const { record, nowUnixMs } = store;
  const isLive = record !== undefined && record.expiresAtUnixMs > nowUnixMs;
  if (isLive && store.isSealed) return withoutStore('sealed', situation);
  const isLater = isLive && record.generation > (situation.known?.generation ?? 0);
  if (isLater && record.fingerprint !== situation.known?.fingerprint) return { kind: 'needless' };
  if (store.turn?.isOurs !== true) {
    if (mode === 'stable' && !force && situation.waitedMs >= PATIENCE_MS) return { kind: 'fetchAlone' };
    return { kind: 'wait', forMs: Math.min(Math.max(store.turn?.leftMs ?? 0, WAIT_MS_MIN), WAIT_MS_MAX) };
  }
  // We slept on the answer, and the turn may be over.
  if (situation.ageMs > RENEW_MS) return { kind: 'wait', forMs: WAIT_MS_MIN };
  if (mode === 'classic' && situation.steadyMs < SETTLE_MS) {
    return { kind: 'wait', forMs: Math.min(SETTLE_MS - situation.steadyMs, WAIT_MS_MAX) };
  }
  const { ration } = policyFor('stable');
  const ledger = settledLedger(ledgerUnixMs ?? [], store.forcedAtUnixMs, ration, nowUnixMs);
  if (force && permit(ledger, ration, nowUnixMs).kind !== 'allowed') return { kind: 'needless' };
  return { kind: 'fetch' };
}

function withoutStore(why: 'away' | 'sealed', { mode, force, ledgerUnixMs }: Situation): Decision {
  if (mode === 'classic') return { kind: 'withhold', why };
  // Whoever forces does so after a trial that failed, and the platform itself spaces forced refreshes;
  // but how many are left of the day's is known only to those who have seen the ledger.
  if (force && ledgerUnixMs === undefined) return { kind: 'withhold', why: 'ledger' };
  return { kind: 'fetchAlone' };
}
