import type { Random } from '../base/random.ts';
import { RENEWAL_SPACING_MS } from './policy.ts';
import type { Policy } from './policy.ts';
import type { Token } from './token.ts';

interface Moment {
  readonly nowMs: number;
  readonly policy: Policy;
  readonly random: Random;
}

/** How long before its end a token is renewed, at the earliest. */
export function earlyMs(
  { issuedAtMs, expiresAtMs }: Token,
  { marginMs, lifeShare }: Policy,
  jitterMs = 0,
): number {
  return Math.min(marginMs - jitterMs, (expiresAtMs - issuedAtMs) * lifeShare);
}

/** When a token is to be renewed. */
export function dueMs(token: Token, { nowMs, policy, random }: Moment): number {
  const plannedMs = token.expiresAtMs - earlyMs(token, policy, random() * policy.jitterMs);
  return Math.max(plannedMs, nowMs + RENEWAL_SPACING_MS);
}
