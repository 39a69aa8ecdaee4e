import type { TokenMode } from './token.ts';

/** How often something costly may be done: at most `max` times in any `windowMs`, `spacingMs` apart. */
export interface Ration {
  readonly max: number;
  readonly windowMs: number;
  readonly spacingMs: number;
}

export interface Policy {
  readonly mode: TokenMode;
  /** A token is renewed when this much of its life is left, … */
  readonly marginMs: number;
  /** … less a random part of up to this, so that holders do not ask at the same moment, … */
  readonly jitterMs: number;
  /** … but never before this last share of its life, so that short lives work too. */
  readonly lifeShare: number;
  /** What may be spent on tokens that the platform was seen to refuse. */
  readonly ration: Ration;
}

/** Of the ration of forced refreshes, what people may spend; the rest is for tokens that are really refused. */
export const MANUAL_SHARE = 0.75;

/** How soon a call without a live token may cut a back-off short again. */
export const DEMAND_SPACING_MS = 2_000;

/** How long we wait when the platform refuses a token and nothing more may be spent on it. */
const RATIONED_MS = 300_000;
const RATIONED_MS_MAX = 3_600_000;

/** Longer each time that a refresh brought the very same token: the platform contradicts itself. */
export function rationedMs(spentInVain: number): number {
  return Math.min(RATIONED_MS * 2 ** Math.max(spentInVain - 1, 0), RATIONED_MS_MAX);
}

/** How soon a token that came back unchanged is asked for again: a fifth of what is left, within these. */
export const SAME_TOKEN_SHARE = 0.2;
export const SAME_TOKEN_MS_MIN = 1_000;
export const SAME_TOKEN_MS_MAX = 30_000;

/** No two renewals of an account follow each other faster than this, however short the lives. */
export const RENEWAL_SPACING_MS = 250;

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

export function policyFor(mode: TokenMode): Policy {
  return mode === 'stable' ? STABLE : CLASSIC;
}

const STABLE: Policy = {
  mode: 'stable',
  // The platform renews when fewer than 300 s are left by its own count. Ours runs ahead of it by the
  // travel of the answer and the rounding of expires_in, hence two seconds less.
  marginMs: 298_000,
  jitterMs: 30_000,
  lifeShare: 0.15,
  // The platform's own limit for force_refresh.
  ration: { max: 20, windowMs: DAY_MS, spacingMs: 30_000 },
};

const CLASSIC: Policy = {
  mode: 'classic',
  // SDKs that take the token itself from a hub subtract fixed margins of up to 1,500 s from expires_in.
  // So 1,800 s are left when the renewal begins, of any life of 6,000 s or more, whatever the jitter.
  marginMs: 2_100_000,
  jitterMs: 300_000,
  lifeShare: 0.3,
  // Two holders of one account end each other's tokens. This keeps such a quarrel under 1,440 of the
  // day's 2,000 fetches, and leaves the rest for tokens that merely age.
  ration: { max: 20, windowMs: 20 * MINUTE_MS, spacingMs: 0 },
};

/** A caller waits no longer than this for a token, a ticket or what became of a report: common SDKs give up at 3 s. */
export const CALLER_WAIT_MS_MAX = 2_500;
