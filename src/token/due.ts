import type { Random } from '../base/random.ts';
import { type Policy, RENEWAL_SPACING_MS } from './policy.ts';
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
