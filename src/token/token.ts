import { fingerprintOf, Secret } from '../base/secret.ts';

/** How tokens are requested: POST /cgi-bin/stable_token, or GET /cgi-bin/token. */
export const TOKEN_MODES = ['stable', 'classic'] as const;
export type TokenMode = (typeof TOKEN_MODES)[number];

/** `login`: an account that only logs people in and never has a token. */
export const APP_MODES = [...TOKEN_MODES, 'login'] as const;
export type AppMode = (typeof APP_MODES)[number];

/**
 * One access_token. Times are on the monotonic clock (`Clock.monotonicMs`); when a token leaves the process
 * (to a store, the hub's API, metrics) they are converted to Unix time.
 */
export interface Token {
  readonly value: Secret;
  /** The first 16 hex digits of the value's SHA-256. */
  readonly fingerprint: string;
  /** When we requested it, so never later than the platform issued it. */
  readonly issuedAtMs: number;
  /** From this moment on it must not be used. */
  readonly expiresAtMs: number;
}

export function makeToken(value: string, issuedAtMs: number, lifeMs: number): Token {
  return {
    value: new Secret(value),
    fingerprint: fingerprintOf(value),
    issuedAtMs,
    expiresAtMs: issuedAtMs + lifeMs,
  };
}

export function isLive(token: Token | undefined, nowMs: number): token is Token {
  return token !== undefined && nowMs < token.expiresAtMs;
}

/** What the expiry of one token may differ by: each answer gives whole seconds from its own moment. */
const SAME_LIFE_MS = 2_000;

/** Whether the platform has returned a token once more, with the life that it had. */
export function isSameToken(one: Token, other: Token | undefined): boolean {
  const isSame = one.fingerprint === other?.fingerprint;
  return isSame && Math.abs(one.expiresAtMs - other.expiresAtMs) <= SAME_LIFE_MS;
}
