import type { Secret } from '../base/secret.ts';
import type { Unavailable } from './source.ts';

/** What pages sign JS-SDK calls and cards with: one for the whole account, and rationed as tokens are. */
export interface Ticket {
  readonly value: Secret;
  readonly fingerprint: string;
  /** On the life scale: when it was asked for, … */
  readonly issuedAtMs: number;
  /** … and when it counts as absent. */
  readonly expiresAtMs: number;
}

export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

export type TicketAnswer = { readonly kind: 'ticket'; readonly ticket: Ticket } | Unavailable;

/** Where tickets come from: this process, or a hub. Waits are bounded; an answer is never an exception. */
export interface Tickets {
  ticket(appid: string, type: TicketType): Promise<TicketAnswer>;
}
