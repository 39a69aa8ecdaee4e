import type { Random } from '../base/random.ts';
import {
  type Policy,
  RENEWAL_SPACING_MS,
  SAME_TOKEN_MS_MAX,
  SAME_TOKEN_MS_MIN,
  SAME_TOKEN_SHARE,
} from './policy.ts';
import type { Token } from './token.ts';

interface Moment {
  readonly nowMs: number;
  readonly policy: Policy;
  readonly random: Random;
}

/** How long before its expiry a token is renewed, less the jitter. */
export function earlyMs(
  { issuedAtMs, expiresAtMs }: Token,
  { marginMs, lifeShare }: Policy,
  jitterMs = 0,
): number {
  return Math.min(marginMs - jitterMs, (expiresAtMs - issuedAtMs) * lifeShare);
}

/** When a token is due for renewal; for a token from the store this may be in the past. */
export function plannedMs(token: Token, { policy, random }: Omit<Moment, 'nowMs'>): number {
  return token.expiresAtMs - earlyMs(token, policy, random() * policy.jitterMs);
}

/** The same for a token that was just fetched: never immediately, even if its lifetime is short. */
export function dueMs(token: Token, moment: Moment): number {
  return Math.max(plannedMs(token, moment), moment.nowMs + RENEWAL_SPACING_MS);
}

/** The same for a token that the platform has just returned once more. */
export function dueAgainMs(token: Token, moment: Moment): number {
  const leftMs = token.expiresAtMs - moment.nowMs;
  const againMs = Math.min(Math.max(leftMs * SAME_TOKEN_SHARE, SAME_TOKEN_MS_MIN), SAME_TOKEN_MS_MAX);
  const againAtMs = moment.nowMs + Math.max(Math.min(againMs, leftMs), RENEWAL_SPACING_MS);
  return Math.max(dueMs(token, moment), againAtMs);
}
