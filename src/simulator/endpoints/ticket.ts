import { type Answer, jsonAnswer } from '../answer.ts';
import { refuse } from '../refuse.ts';
import { word } from '../tokens.ts';
import type { Call, Endpoint, World } from '../world.ts';

/**
 * JS-SDK and card tickets. A repeated call returns the same ticket until it expires, whatever happened to
 * the token.
 */
export const TICKET_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/cgi-bin/ticket/getticket': { method: 'GET', postToo: true, token: 'app', answer: getTicket },
};

const TYPES = ['jsapi', 'wx_card', 'sdk'];
const LIFE_MS = 7_200_000;
const TICKET_LENGTH = 86;

function getTicket(world: World, call: Call): Answer {
  const type = call.query.get('type') ?? '';
  const { account } = call;
  if (account === undefined || !TYPES.includes(type)) return refuse(world, call, 40097);
  let held = account.tickets.get(type);
  if (held === undefined || held.expiresAtMs <= call.nowMs) {
    held = { ticket: word(account.random, TICKET_LENGTH), expiresAtMs: call.nowMs + LIFE_MS };
    account.tickets.set(type, held);
  }
  const expiresIn = Math.floor((held.expiresAtMs - call.nowMs) / 1_000);
  return jsonAnswer({ errcode: 0, errmsg: 'ok', ticket: held.ticket, expires_in: expiresIn });
}
