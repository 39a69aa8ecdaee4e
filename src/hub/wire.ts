import { type Clock, toUnixMs } from '../base/clock.ts';
import type { ReportAnswer } from '../token/source.ts';
import type { WireApp, WireRefresh, WireToken } from '../hub-api/wire.ts';
import type { Token } from '../token/token.ts';
import type { HubApp } from './accounts.ts';

/** One of the few places where a token is exposed on purpose. */
export function wireToken(appid: string, token: Token, clock: Clock): WireToken {
  // The end is computed from the start, so that their difference is exactly the token's life.
  const issuedUnixMs = Math.round(toUnixMs(token.issuedAtMs, clock));
  const lifeMs = Math.round(token.expiresAtMs - token.issuedAtMs);
  return {
    appid,
    access_token: token.value.reveal(),
    fingerprint: token.fingerprint,
    issued_at: rfc3339(issuedUnixMs),
    expires_at: rfc3339(issuedUnixMs + lifeMs),
    expires_in: secondsLeft(token, clock),
  };
}

export function wireRefresh(
  appid: string,
  answer: Exclude<ReportAnswer, { kind: 'unavailable' }>,
  clock: Clock,
): WireRefresh {
  return {
    ...wireToken(appid, answer.token, clock),
    refreshed: answer.kind === 'renewed',
    outcome: answer.kind,
    ...('holdMs' in answer && { hold_ms: Math.ceil(answer.holdMs) }),
    ...('retryMs' in answer && { retry_ms: Math.ceil(answer.retryMs) }),
  };
}

export function wireApp({ appid, name, mode }: HubApp, token: Token | undefined, clock: Clock): WireApp {
  return {
    appid,
    name,
    mode,
    ...(token !== undefined && {
      fingerprint: token.fingerprint,
      expires_at: rfc3339(Math.round(toUnixMs(token.expiresAtMs, clock))),
    }),
  };
}

/** Whole seconds, rounded down, so that no caller uses a token or ticket after its end. */
export function secondsLeft(token: Pick<Token, 'expiresAtMs'>, clock: Clock): number {
  return Math.max(0, Math.floor((token.expiresAtMs - clock.monotonicMs()) / 1_000));
}

function rfc3339(unixTimeMs: number): string {
  return new Date(unixTimeMs).toISOString();
}
