import type Koa from 'koa';
import type { WireTicket } from '../hub-api/wire.ts';
import type { Caller } from './authenticator.ts';
import type { Hub } from './hub.ts';
import { Problem } from './problem.ts';
import { secondsLeft } from './wire.ts';
import { TICKET_TYPES } from '../token/ticket.ts';

/** GET /v1/apps/{appid}/ticket?type=jsapi */
export async function answerTicket(ctx: Koa.Context, hub: Hub, _: Caller, appid: string): Promise<void> {
  const asked = new URLSearchParams(ctx.querystring).get('type');
  const type = TICKET_TYPES.find((known) => known === asked);
  if (type === undefined)
    throw new Problem('bad_request', `Send one of ?type=${TICKET_TYPES.join(', ?type=')}.`);
  const answer = await hub.tickets.ticket(appid, type);
  if (answer.kind === 'unavailable') {
    const { errcode, message } = answer;
    throw new Problem('ticket_unavailable', message, { errcode, retryAfterS: 1 });
  }
  const wire: WireTicket = {
    appid,
    type,
    ticket: answer.ticket.value.reveal(),
    expires_in: secondsLeft(answer.ticket, hub.clock),
  };
  ctx.body = wire;
}
