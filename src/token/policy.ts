import type { TokenMode } from './token.ts';

/** A quota for a costly action: at most `max` times in any `windowMs`, at least `spacingMs` apart. */
export interface Quota {
  readonly max: number;
  readonly windowMs: number;
  readonly spacingMs: number;
}

export interface Policy {
  readonly mode: TokenMode;
  /** A token is renewed when this much of its lifetime is left, … */
  readonly marginMs: number;
  /** … minus a random jitter of up to this, so that the owners do not ask at the same moment, … */
  readonly jitterMs: number;
  /** … but never before this last share of its lifetime, so that short lifetimes work too. */
  readonly lifeShare: number;
  /** The quota for replacing tokens that the platform refuses. */
  readonly quota: Quota;
}

/** The share of the quota of forced refreshes that people may use; the rest is for tokens that are really refused. */
export const MANUAL_SHARE = 0.75;

/** How soon a call without a live token may shorten the backoff again. */
export const DEMAND_SPACING_MS = 2_000;

/** How long we wait if the platform refuses a token and the quota is used up. */
const RATIONED_MS = 300_000;
const RATIONED_MS_MAX = 3_600_000;

/** Doubles each time a refresh returns the same token: the platform contradicts itself. */
export function rationedMs(futileRefreshes: number): number {
  return Math.min(RATIONED_MS * 2 ** Math.max(futileRefreshes - 1, 0), RATIONED_MS_MAX);
}

/** How soon we ask again if the token came back unchanged: a fifth of what is left, within these bounds. */
export const SAME_TOKEN_SHARE = 0.2;
export const SAME_TOKEN_MS_MIN = 1_000;
export const SAME_TOKEN_MS_MAX = 30_000;

/** Minimum interval between two renewals of an account, however short the lifetimes. */
export const RENEWAL_SPACING_MS = 250;

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

export function policyFor(mode: TokenMode): Policy {
  return mode === 'stable' ? STABLE : CLASSIC;
}

const STABLE: Policy = {
  mode: 'stable',
  // The platform renews when fewer than 300 s are left by its own count. Our count is ahead of it by the
  // latency of the response and the rounding of expires_in, hence two seconds less.
  marginMs: 298_000,
  jitterMs: 30_000,
  lifeShare: 0.15,
  // The platform's own limit for force_refresh.
  quota: { max: 20, windowMs: DAY_MS, spacingMs: 30_000 },
};

const CLASSIC: Policy = {
  mode: 'classic',
  // SDKs that take the token itself from a hub subtract fixed margins of up to 1,500 s from expires_in.
  // With this margin, 1,800 s are left when renewal begins, for any lifetime of 6,000 s or more and any jitter.
  marginMs: 2_100_000,
  jitterMs: 300_000,
  lifeShare: 0.3,
  // Two programs that fetch tokens for one account invalidate each other's. This limits such a fight to 1,440
  // of the day's 2,000 fetches and leaves the rest for normal renewals. Each hub counts its own.
  quota: { max: 20, windowMs: 20 * MINUTE_MS, spacingMs: 0 },
};

/** How long a caller waits at most for a token, a ticket or the outcome of a report: common SDKs time out at 3 s. */
export const CALLER_WAIT_MS_MAX = 2_500;
