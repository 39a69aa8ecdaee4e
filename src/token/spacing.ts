import type { Token } from './token.ts';

/**
 * A gateway, a mock or a bug may return tokens with a very short lifetime. Fetching each successor at once
 * would use up the daily quota in minutes, so fetches are spaced after several such lifetimes.
 */
export interface Spacing {
  /** Consecutive lifetimes under `SHORT_LIFE_MS`. */
  readonly shortLives: number;
  /** The token whose lifetime was counted last, as the platform returned it. */
  readonly last: Token | undefined;
  /** When the platform last responded, with or without a token. */
  readonly answeredAtMs: number;
}

export const SHORT_LIFE_MS = 5_000;
export const SHORT_LIVES_MAX = 3;
export const SPACING_MS = 30_000;

export const UNSPACED: Spacing = { shortLives: 0, last: undefined, answeredAtMs: -Infinity };

type Life = Pick<Token, 'fingerprint' | 'expiresAtMs'>;

/** `expires_in` is in whole seconds, so the computed expiry of one lifetime varies by up to this. */
const ROUNDING_MS = 1_000;

function isSpaced(spacing: Spacing): boolean {
  return spacing.shortLives >= SHORT_LIVES_MAX;
}

interface SpacedTrouble {
  readonly errcode: number;
  readonly message: string;
  readonly recheckMs: number;
  readonly lifeMs: number;
}

/** Why no fetch is allowed now, and for how long. */
export function diagnosisWhileSpaced(spacing: Spacing, nowMs: number): SpacedTrouble | undefined {
  const recheckMs = spacing.answeredAtMs + SPACING_MS - nowMs;
  if (!isSpaced(spacing) || recheckMs <= 0) return undefined;
  const { last } = spacing;
  const lifeMs = last === undefined ? 0 : last.expiresAtMs - last.issuedAtMs;
  return { errcode: -1, message: spacingWords(lifeMs), recheckMs, lifeMs };
}

interface Spaced {
  readonly spacing: Spacing;
}

/** A fetch returned this token. */
export function notingToken<State extends Spaced>(state: State, token: Token, answeredAtMs: number): State {
  const { spacing } = notingFailure(state, answeredAtMs);
  if (isSameLife(spacing.last, token, answeredAtMs)) return { ...state, spacing };
  const isShort = token.expiresAtMs - token.issuedAtMs < SHORT_LIFE_MS;
  const shortLives = isShort ? Math.min(spacing.shortLives + 1, SHORT_LIVES_MAX) : 0;
  return { ...state, spacing: { ...spacing, shortLives, last: token } };
}

/** A fetch returned anything but a token. */
export function notingFailure<State extends Spaced>(state: State, answeredAtMs: number): State {
  const { spacing } = state;
  const latestMs = Math.max(spacing.answeredAtMs, answeredAtMs);
  return { ...state, spacing: { ...spacing, answeredAtMs: latestMs } };
}

/** A token that another owner fetched counts as if we had. Returns the same object if it is known. */
export function notingShared<State extends Spaced>(state: State, token: Token | undefined): State {
  const isKnown = token === undefined || token.fingerprint === state.spacing.last?.fingerprint;
  return isKnown ? state : notingToken(state, token, token.issuedAtMs);
}

/** For logs and `/status`. */
function spacingWords(lifeMs: number): string {
  const life = lifeMs < 1_000 ? 'less than one second' : `${Math.floor(lifeMs / 1_000)} s`;
  return (
    `The platform returns access_tokens that live for ${life} (expires_in), so only one is requested every ` +
    `${SPACING_MS / 1_000} s: check that the upstreams are WeChat API hosts, and any proxy in between.`
  );
}

/** The platform returns the same token or ticket repeatedly, each time with its remaining lifetime. */
export function isSameLife(known: Life | undefined, returned: Life, nowMs: number): boolean {
  if (known === undefined || nowMs >= known.expiresAtMs) return false;
  const isSame = known.fingerprint === returned.fingerprint;
  return isSame && returned.expiresAtMs - known.expiresAtMs <= ROUNDING_MS;
}
