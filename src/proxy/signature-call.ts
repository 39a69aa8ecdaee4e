import { jsonResponse } from '../server/local-response.ts';
import { readPageUrl } from '../wechat/page-signature.ts';
import { valuesOf } from '../wechat/query.ts';
import type { Call, CallResult } from './call.ts';
import { waiting } from './call-record.ts';
import type { Plan } from './plan.ts';
import type { Sidecar } from './sidecar.ts';

/** Signs a page for `wx.config`, so that no program has to keep a ticket. */
export async function serveSignature(
  call: Call,
  { accounts, signatures }: Sidecar,
  { appid, query }: Extract<Plan, { kind: 'signature' }>,
): Promise<CallResult> {
  if (call.method !== 'GET' && call.method !== 'POST') {
    return call.fail('bad_request', 'pages are signed by GET or POST');
  }
  const [given, ...more] = valuesOf(query, 'url');
  if (given === undefined || more.length > 0) {
    return call.fail('bad_request', 'send the page once, percent-encoded, as ?url=https%3A%2F%2F…');
  }
  const page = readPageUrl(given, call.rules.signedUrlHosts);
  if (page.kind === 'bad') return call.fail('bad_request', page.why);
  if (signatures.consume(appid) > 0) {
    return call.fail('bad_request', 'at most 30 pages a second are signed for an account');
  }
  const answer = await waiting(call, accounts.signPage(appid, page.url));
  if (call.isClosed) return call.clientClosed();
  switch (answer.kind) {
    case 'signed':
      return call.respondLocally(jsonResponse(200, answer.signature, { 'cache-control': 'no-store' }));
    case 'refused':
      return call.fail('bad_request', answer.message);
    case 'unavailable':
      return call.fail('token_unavailable', answer.message, answer.errcode);
  }
}
