import type { Secret } from '../base/secret.ts';
import type { Unavailable } from './source.ts';

/** Signs JS-SDK calls and cards of web pages: one for the whole account, with a daily quota as for tokens. */
export interface Ticket {
  readonly value: Secret;
  readonly fingerprint: string;
  /** On the monotonic clock: when it was requested, … */
  readonly issuedAtMs: number;
  /** … and when it expires. */
  readonly expiresAtMs: number;
}

export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

export type TicketAnswer = { readonly kind: 'ticket'; readonly ticket: Ticket } | Unavailable;

/** Where tickets come from: this process, or a hub. Waits are limited; failures are returned, never thrown. */
export interface Tickets {
  ticket(appid: string, type: TicketType): Promise<TicketAnswer>;
}
