import { backoffMs } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import type { Ticket } from './ticket.ts';
import { isSameLife, SHORT_LIFE_MS, SHORT_LIVES_MAX, SPACING_MS } from './spacing.ts';

/** The current ticket, and when the platform is asked for the next one. */
export interface TicketPlan {
  /** Kept until its successor arrives; `liveTicket` says whether it is valid. */
  readonly ticket: Ticket | undefined;
  /** Nothing is requested before this moment, even if a caller waits. */
  readonly askFromMs: number;
  /** From this moment on the platform is asked even if no caller waits. */
  readonly renewAtMs: number;
  readonly failures: number;
  /** Consecutive lifetimes under `LEFT_MS_MIN`, and under `SHORT_LIFE_MS`. */
  readonly briefLives: number;
  readonly tinyLives: number;
}

export const NO_TICKET: TicketPlan = {
  ticket: undefined,
  askFromMs: -Infinity,
  renewAtMs: -Infinity,
  failures: 0,
  briefLives: 0,
  tinyLives: 0,
};

/** SDKs subtract fixed margins of up to 1,500 s, so a ticket with less left is replaced before it is returned. */
export const LEFT_MS_MIN = 1_800_000;
/** A hub replaces it a little earlier, or the copies in its sidecars would be too old on arrival. */
const TRAVEL_MS = 10_000;
/** A ticket is renewed earlier than that, so that no caller waits for it. */
const MARGIN_MS = 2_100_000;
const JITTER_MS = 300_000;
/** If the platform's tickets live for less than that, they are renewed in this last share of their lifetime. */
const LIFE_SHARE = 0.3;
/** `expires_in` cannot express less. */
export const LAST_SECOND_MS = 1_000;

/** The wait after a request that returned the same ticket, and after any other request. */
const SAME_SPACING_MS = 60_000;
const ASK_SPACING_MS = 2_000;
/** The wait after an errcode that a retry cannot fix, such as a missing permission. */
const REFUSED_REST_MS = 60_000;

export function liveTicket({ ticket }: TicketPlan, nowMs: number): Ticket | undefined {
  return ticket !== undefined && ticket.expiresAtMs - nowMs >= LAST_SECOND_MS ? ticket : undefined;
}

/** Whether callers need another ticket than the current one, if the platform has one. */
export function needsTicket(plan: TicketPlan, nowMs: number): boolean {
  const ticket = liveTicket(plan, nowMs);
  return ticket === undefined || ticket.expiresAtMs - nowMs < leftMsMin(plan, ticket);
}

export function withTicket(plan: TicketPlan, fetched: Ticket, nowMs: number, random: Random): TicketPlan {
  const known = plan.ticket;
  const isSame = known?.fingerprint === fetched.fingerprint;
  const isKnownLife = isSameLife(known, fetched, nowMs);
  const ticket = isKnownLife ? { ...fetched, issuedAtMs: known?.issuedAtMs ?? fetched.issuedAtMs } : fetched;
  const lifeMs = ticket.expiresAtMs - ticket.issuedAtMs;
  const inARow = (lives: number, limitMs: number): number => {
    if (isKnownLife) return lives;
    return lifeMs < limitMs ? Math.min(lives + 1, SHORT_LIVES_MAX) : 0;
  };
  const lives: TicketPlan = {
    ...plan,
    ticket,
    failures: 0,
    briefLives: inARow(plan.briefLives, LEFT_MS_MIN),
    tinyLives: inARow(plan.tinyLives, SHORT_LIFE_MS),
  };
  // If the platform returns the same ticket until it expires, the next request is at its expiry.
  const leftMs = ticket.expiresAtMs - nowMs;
  const sameMs = Math.max(Math.min(leftMs, SAME_SPACING_MS), ASK_SPACING_MS);
  const askFromMs = nowMs + Math.max(isSame ? sameMs : ASK_SPACING_MS, spacingMs(lives));
  const plannedMs = Math.min(MARGIN_MS - random() * JITTER_MS, lifeMs * LIFE_SHARE);
  const aheadMs = Math.max(plannedMs, leftMsMin(lives, ticket));
  return { ...lives, askFromMs, renewAtMs: Math.max(askFromMs, ticket.expiresAtMs - aheadMs) };
}

/** `isFinal`: an early retry would change nothing. */
export function withFailure(plan: TicketPlan, isFinal: boolean, nowMs: number, random: Random): TicketPlan {
  const restMs = Math.max(isFinal ? REFUSED_REST_MS : ASK_SPACING_MS, spacingMs(plan));
  const renewMs = Math.max(restMs, backoffMs(plan.failures, random));
  return {
    ...plan,
    askFromMs: nowMs + restMs,
    renewAtMs: nowMs + renewMs,
    failures: plan.failures + 1,
  };
}

/** A ticket with less left than this is returned only if the platform has no fresher one. */
function leftMsMin({ briefLives }: TicketPlan, { issuedAtMs, expiresAtMs }: Ticket): number {
  return briefLives < SHORT_LIVES_MAX ? LEFT_MS_MIN + TRAVEL_MS : (expiresAtMs - issuedAtMs) * LIFE_SHARE;
}

function spacingMs({ tinyLives }: TicketPlan): number {
  return tinyLives < SHORT_LIVES_MAX ? 0 : SPACING_MS;
}
