import type { Clock } from '../base/clock.ts';
import { type RawQuery, valuesOf } from '../wechat/query.ts';
import { type Answer, heldAnswer } from './upstream-response.ts';
import { type Ticket, TICKET_TYPES, type TicketType } from '../token/ticket.ts';

export const TICKET_PATH = '/cgi-bin/ticket/getticket';

/** The kind of ticket that a call asks for, if that kind is kept; otherwise undefined. */
export function ticketTypeOf(method: string, path: string, query: RawQuery): TicketType | undefined {
  if ((method !== 'GET' && method !== 'POST') || path !== TICKET_PATH) return undefined;
  const [asked] = valuesOf(query, 'type');
  return TICKET_TYPES.find((type) => type === asked);
}

/** The response that the platform itself would send. */
export function ticketAnswer(ticket: Ticket, clock: Clock): Extract<Answer, { kind: 'held' }> {
  const expiresIn = Math.floor((ticket.expiresAtMs - clock.monotonicMs()) / 1_000);
  const content = { errcode: 0, errmsg: 'ok', ticket: ticket.value.reveal(), expires_in: expiresIn };
  return heldAnswer(200, 'application/json; encoding=utf-8', Buffer.from(JSON.stringify(content)));
}
