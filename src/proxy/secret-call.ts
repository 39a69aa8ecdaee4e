import { withoutParam, withParam } from '../wechat/query.ts';
import { heldAnswer } from './upstream-response.ts';
import type { Call, CallResult } from './call.ts';
import { type Target, toRequestTarget } from './gate.ts';
import type { RelayCall, RelayOutcome } from '../hub-client/relay.ts';
import type { Plan } from './plan.ts';
import type { Sidecar } from './sidecar.ts';

type SecretPlan = Extract<Plan, { kind: 'secret' }>;

/** These calls have their parameters in the query; their body is empty or small. */
export const RELAY_BODY_BYTES_MAX = 8 * 1024;

/** A call that carries the AppSecret: made here if this process has it, otherwise by the hub. */
export async function serveSecretCall(
  call: Call,
  sidecar: Sidecar,
  plan: SecretPlan,
  target: Target,
): Promise<CallResult> {
  const { method } = call;
  if (method !== 'GET' && method !== 'POST') {
    return call.fail('bad_request', 'calls that carry the AppSecret are made by GET or POST');
  }
  const holder = sidecar.accounts.secretOf(plan.appid);
  if (holder === undefined) return call.fail('unknown_app', 'no AppSecret is held here for this account');
  if (holder.kind === 'hub') return serveByHub(call, method, plan, holder.relay);
  const body = await call.takeBody(false);
  if (body.kind === 'refused') return call.fail(body.reason, body.message);
  if (body.kind === 'client_closed') return call.clientClosed();
  const withAppid = withParam(plan.query, 'appid', plan.appid);
  const query = withParam(withAppid, plan.secretParam, holder.secret.reveal());
  const known: Target = { ...target, rawPath: plan.path };
  // The appid in the query selects the account whose secret is filled in.
  const injected = { secret: holder.secret, inHeaders: () => '' };
  return call.finish(await call.send(toRequestTarget(known, query), body, 'exchange', 0, injected), 0);
}

async function serveByHub(
  call: Call,
  method: RelayCall['method'],
  plan: SecretPlan,
  relay: (call: RelayCall) => Promise<RelayOutcome>,
): Promise<CallResult> {
  const body = await call.readBody(RELAY_BODY_BYTES_MAX);
  if (body === undefined) {
    return call.isClosed
      ? call.clientClosed()
      : call.fail('body_too_large', 'a call for the hub to make has a small body');
  }
  const leaving = new AbortController();
  call.onceClosed(() => leaving.abort());
  const relayed = relay({
    method,
    path: plan.path,
    query: withoutParam(withoutParam(plan.query, 'appid'), plan.secretParam) ?? '',
    contentType: call.request.headers['content-type'],
    body,
    signal: leaving.signal,
  });
  const outcome = await (call.record?.relaying(relayed) ?? relayed);
  if (call.isClosed) return call.clientClosed();
  if (outcome.kind === 'failed') return call.fail(outcome.reason, outcome.message, outcome.errcode);
  return call.finish(heldAnswer(outcome.status, outcome.contentType, outcome.body), 0);
}
