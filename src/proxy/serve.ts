import type { ReplaySkipReason } from '../server/metrics.ts';
import type { Unavailable } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import { withParam } from '../wechat/query.ts';
import { standInFor } from '../wechat/stand-in.ts';
import { negatedRefusal, REFUSED_ERRCODES, ridOf } from '../wechat/verdict.ts';
import type { Answer } from './answer.ts';
import type { Call, CallBody, Served } from './call.ts';
import { noteForeignRefusal } from './foreign-token.ts';
import { preflightAnswer } from './cors.ts';
import { gate, type Target, written } from './gate.ts';
import { valuesOf } from './headers.ts';
import { type Plan, planCall } from './plan.ts';
import type { NoReplay } from './reports.ts';
import { serveSecretCall } from './secret-call.ts';
import { serveSignature } from './signature-call.ts';
import type { Sidecar } from './sidecar.ts';
import { ticketAnswer, ticketTypeOf } from './ticket-call.ts';
import { answerTokenCall, TOKEN_CALL_BYTES_MAX } from './token-endpoint.ts';

/**
 * Serves one call: the gate, whose account it is, where the token goes, the sending, the verdict on the
 * answer, the report of a refused token and one replay, the answer.
 */
export async function serveCall(call: Call, sidecar: Sidecar): Promise<Served> {
  const gated = gate(call.request, call.rules.gate);
  call.allowPage(gated.page);
  if (gated.kind === 'preflight') return call.ownAnswer(preflightAnswer(call.request));
  if (gated.kind === 'refused') return call.fail(gated.reason, gated.message);
  const { target } = gated;
  call.describe(target.path, undefined);

  const { accounts } = sidecar;
  const appidHeaders = valuesOf(call.request.rawHeaders, 'x-wechat-appid');
  const plan = planCall(target, appidHeaders, (fingerprint) => accounts.ownerOf(fingerprint), call.rules);
  if (plan.kind === 'refused') return call.fail(plan.reason, plan.message);
  if (plan.kind === 'token') return serveTokenCall(call, sidecar, plan.endpoint, target);

  if (plan.appid !== undefined) {
    if (!(await accounts.knows(plan.appid))) {
      return call.fail('unknown_app', 'the account that this call names is not served here');
    }
    call.describe(target.path, plan.appid);
  }
  if (plan.kind === 'signature') return serveSignature(call, sidecar, plan);
  if (plan.kind === 'secret') return serveSecretCall(call, sidecar, plan, target);
  if (plan.kind === 'inject') {
    const kept = await keptTicket(call, sidecar, plan, target);
    if (call.gone) return call.left();
    if (kept?.kind === 'unavailable') return withoutToken(call, plan, kept);
    if (kept !== undefined) return call.finish(kept, 0);
  }
  const body = await call.takeBody(plan.kind === 'inject');
  if (body.kind === 'refused') return call.fail(body.reason, body.message);
  if (body.kind === 'gone') return call.left();
  switch (plan.kind) {
    case 'inject':
      return serveInjected(call, sidecar, plan, target, body);
    case 'pass': {
      const answer = await call.send(written(target, plan.query), body, 'passing', 0);
      if (plan.foreign) noteForeignRefusal(call, sidecar, plan.appid, answer);
      return call.finish(answer, 0);
    }
  }
}

/** A call that carries our token: sent, judged, and sent once more where a refused token could be replaced. */
async function serveInjected(
  call: Call,
  sidecar: Sidecar,
  plan: Extract<Plan, { kind: 'inject' }>,
  target: Target,
  body: CallBody,
): Promise<Served> {
  const askedMs = sidecar.clock.lifeMs();
  const granted = await sidecar.accounts.token(plan.appid);
  if (call.gone) return call.left();
  if (granted.kind === 'unavailable') return withoutToken(call, plan, granted);

  const place = { appid: plan.appid, path: call.path, waitedMs: sidecar.clock.lifeMs() - askedMs };
  const sendWith = async (token: Token, replay: 0 | 1): Promise<Answer> => {
    const sentMs = sidecar.clock.lifeMs();
    const query = withParam(plan.query, 'access_token', token.value.reveal());
    const injected = { secret: token.value, inHeaders: () => standInFor(plan.appid) };
    const answer = await call.send(written(target, query), body, 'exchange', replay, injected);
    if (isSuccess(answer)) {
      sidecar.reports.succeeded(plan.appid, call.path, token.fingerprint, sentMs);
    }
    return answer;
  };
  const first = await sendWith(granted.token, 0);
  if (!isRefusal(first)) return call.finish(first, 0);

  const healing = await heal(call, sidecar, place, granted.token, first, body);
  if (call.gone) {
    if (healing.kind === 'replay') sidecar.metrics.replaySkipped(plan.appid, 'caller_left');
    return call.left();
  }
  if (healing.kind === 'no_replay') {
    const final = plan.standIn && !healing.hopeful;
    return call.finish(first, 0, final ? negatedRefusal(first.verdict) : undefined);
  }
  const second = await sendWith(healing.token, 1);
  noteReplay(sidecar, place, healing.token, first, second);
  const final = plan.standIn && isRefusal(second);
  return call.finish(second, 1, final ? negatedRefusal(second.verdict) : undefined);
}

function withoutToken(
  call: Call,
  { standIn }: Extract<Plan, { kind: 'inject' }>,
  { message, errcode }: Unavailable,
): Served {
  // To an SDK it would mean its own token, however the platform meant it of the AppSecret.
  const misleads = standIn && REFUSED_ERRCODES.has(errcode);
  return call.fail('token_unavailable', message, misleads ? -errcode : errcode);
}

/** A caller that has waited this long for a ticket must not wait for a token after it: SDKs give up at 3 s. */
const TICKET_WAIT_MS_MAX = 1_000;

/** A ticket that is kept for the whole account; where there is none the call goes on as any other. */
async function keptTicket(
  call: Call,
  { accounts, clock }: Sidecar,
  { appid, query }: Extract<Plan, { kind: 'inject' }>,
  { path }: Target,
): Promise<Answer | Unavailable | undefined> {
  const type = ticketTypeOf(call.method, path, query);
  if (type === undefined) return undefined;
  const askedMs = clock.lifeMs();
  const answer = await accounts.ticket(appid, type);
  if (answer.kind === 'ticket') return ticketAnswer(answer.ticket, clock);
  return clock.lifeMs() - askedMs > TICKET_WAIT_MS_MAX ? answer : undefined;
}

type Held = Extract<Answer, { kind: 'held' }>;

type Healing =
  | { readonly kind: 'replay'; readonly token: Token }
  /** `hopeful`: there is a new token, but the body is gone, so the caller's own next try may succeed. */
  | { readonly kind: 'no_replay'; readonly hopeful: boolean };

/** Reports a refused token, and says whether the call can be sent again with another. */
async function heal(
  call: Call,
  sidecar: Sidecar,
  { appid, path, waitedMs }: Place,
  refused: Token,
  answer: Held,
  body: CallBody,
): Promise<Healing> {
  const { metrics, boundedLog } = sidecar;
  const { errcode = 0, errmsg } = answer.verdict;
  const skip = (reason: ReplaySkipReason, hopeful: boolean): Healing => {
    metrics.replaySkipped(appid, reason);
    boundedLog(`${appid} ${reason}`).info('a refused call is not replayed', {
      app: appid,
      path,
      reason,
      errcode,
      rid: ridOf(errmsg),
      fingerprint: refused.fingerprint,
    });
    return { kind: 'no_replay', hopeful };
  };
  const outcome = await sidecar.reports.refused(appid, path, refused.fingerprint, errcode, waitedMs);
  if (outcome.kind === 'no_replay') {
    const word = SHOWN[outcome.reason];
    if (word !== undefined) call.note(`token=${word}`);
    return skip(outcome.reason, false);
  }
  if (body.kind === 'streamed') return skip('body_too_large', true);
  if (body.kind === 'kept' && !body.body.replayable) return skip('memory_limit', true);
  return { kind: 'replay', token: outcome.token };
}

/** The word for it in the header `x-wechat-sidecar`. */
const SHOWN: Partial<Record<NoReplay, string>> = {
  accepted: 'held',
  held: 'held',
  waiting: 'waiting',
  rationed: 'rationed',
};

interface Place {
  readonly appid: string;
  readonly path: string;
  /** For how long the caller has waited for a first token. */
  readonly waitedMs: number;
}

function noteReplay(
  sidecar: Sidecar,
  { appid, path }: Place,
  token: Token,
  first: Held,
  second: Answer,
): void {
  const outcome = isRefusal(second)
    ? 'refused'
    : second.kind === 'failed' || second.kind === 'gone'
      ? 'failed'
      : 'recovered';
  const { errcode = 0, errmsg } = first.verdict;
  // The caller has waited long enough for its answer.
  if (isRefusal(second)) {
    void sidecar.reports.refused(appid, path, token.fingerprint, second.verdict.errcode ?? errcode);
  }
  sidecar.metrics.replayed(appid, errcode, outcome);
  sidecar.boundedLog(`${appid} ${outcome}`).info('a call was replayed', {
    app: appid,
    path,
    outcome,
    errcode,
    rid: ridOf(errmsg),
    fingerprint: token.fingerprint,
  });
}

async function serveTokenCall(
  call: Call,
  { accounts }: Sidecar,
  endpoint: 'token' | 'stable_token',
  target: Target,
): Promise<Served> {
  const body = await call.readBody(TOKEN_CALL_BYTES_MAX);
  if (body === undefined) {
    return call.gone ? call.left() : call.fail('body_too_large', 'a token call has a body of some 300 bytes');
  }
  return call.ownAnswer(await answerTokenCall(endpoint, call.method, target, body, accounts));
}

/** An explicit verdict on our token; a gateway's error or a part of something never is one. */
function isRefusal(answer: Answer): answer is Held {
  return answer.kind === 'held' && REFUSED_ERRCODES.has(answer.verdict.errcode ?? 0);
}

/** A proof that the platform accepts the token. */
function isSuccess(answer: Answer): boolean {
  if (answer.kind === 'held') return isOk(answer.head.status) && (answer.verdict.errcode ?? 0) === 0;
  return answer.kind === 'relayed' && isOk(answer.status);
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
