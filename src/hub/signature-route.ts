import type Koa from 'koa';
import type { WireSignature } from '../hub-api/wire.ts';
import { readPageUrl, signPage } from '../wechat/page-signature.ts';
import { type Caller, signedHosts } from './authenticator.ts';
import type { Hub } from './hub.ts';
import { Problem } from './problem.ts';
import { readJson } from './request.ts';
import { SCHEMAS } from '../hub-api/schemas.ts';

const BODY_BYTES_MAX = 16 * 1024;

/** POST /v1/apps/{appid}/jssdk-signature */
export async function answerSignature(
  ctx: Koa.Context,
  hub: Hub,
  caller: Caller,
  appid: string,
): Promise<void> {
  const parsed = SCHEMAS.Page.safeParse(await readJson(ctx.req, BODY_BYTES_MAX));
  if (!parsed.success) throw new Problem('bad_request', 'Send {"url": the URL of the page}.');
  const page = readPageUrl(parsed.data.url, signedHosts(caller, appid));
  if (page.kind === 'bad') throw new Problem('bad_request', `Cannot sign: ${page.why}.`);
  if (hub.signatures.consume(`${caller.kind} ${caller.name} ${appid}`) > 0) {
    throw new Problem('bad_request', 'At most 30 pages per second are signed for one caller and account.');
  }
  const answer = await hub.tickets.ticket(appid, 'jsapi');
  if (answer.kind === 'unavailable') {
    const { errcode, message } = answer;
    throw new Problem('ticket_unavailable', message, { errcode, retryAfterS: 1 });
  }
  const signature: WireSignature = signPage(appid, answer.ticket.value, page.url, hub);
  ctx.body = signature;
}
