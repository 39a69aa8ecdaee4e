import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import { isObject, parseJson } from '../base/json.ts';
import type { WireSignature } from '../hub-api/wire.ts';
import { type SignatureAnswer, signPage } from '../wechat/page-signature.ts';
import type { HubClient, HubOutcome } from './client.ts';
import { whyNot } from './outcome.ts';
import type { HubTickets } from './tickets.ts';

export interface HubSigning extends Pick<Parameters<typeof signPage>[3], 'clock' | 'random'> {
  readonly client: HubClient;
  readonly tickets: Pick<HubTickets, 'ticket'>;
}

/**
 * Has the hub sign a page, because it knows what this caller may have signed. If no hub responds, or it is too
 * old to sign, the page is signed here with a copy of the ticket, if we may get one.
 */
export async function signByHub(
  { client, tickets, ...moment }: HubSigning,
  appid: string,
  url: string,
): Promise<SignatureAnswer> {
  const byMs = moment.clock.monotonicMs() + CALLER_WAIT_MS_MAX;
  const outcome = await client.ask({
    method: 'POST',
    path: `/v1/apps/${encodeURIComponent(appid)}/jssdk-signature`,
    content: { url },
    timeoutMs: CALLER_WAIT_MS_MAX,
    repeatable: true,
  });
  const isAnswer = outcome.kind === 'answer' && outcome.status === 200;
  const signature = isAnswer ? readSignature(parseJson(outcome.body.toString('utf8'))) : undefined;
  if (signature !== undefined) return { kind: 'signed', signature };
  const reason = outcome.kind === 'answer' ? outcome.problem?.reason : undefined;
  const why = whyNot(outcome);
  if (reason === 'bad_request') return { kind: 'refused', message: why.message };
  if (!isWorthATicket(outcome, reason)) return why;
  // The same hub may be silent once more.
  const answer = await tickets.ticket(appid, 'jsapi', Math.max(0, byMs - moment.clock.monotonicMs()));
  if (answer.kind === 'unavailable') return why;
  return { kind: 'signed', signature: signPage(appid, answer.ticket.value, url, moment) };
}

function isWorthATicket(outcome: HubOutcome, reason: string | undefined): boolean {
  return outcome.kind === 'failed' || reason === 'not_found';
}

function readSignature(value: unknown): WireSignature | undefined {
  if (!isObject(value)) return undefined;
  const { appId, timestamp, nonceStr, signature } = value;
  const isOne =
    typeof appId === 'string' &&
    typeof timestamp === 'number' &&
    typeof nonceStr === 'string' &&
    typeof signature === 'string';
  return isOne ? { appId, timestamp, nonceStr, signature } : undefined;
}
