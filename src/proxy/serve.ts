import type { ReplaySkipReason } from './metrics.ts';
import type { TokenAnswer, Unavailable } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import { withPair, withParam } from '../wechat/query.ts';
import { standInFor } from '../wechat/stand-in.ts';
import { negatedRefusal, REFUSED_ERRCODES, ridOf } from '../wechat/verdict.ts';
import type { Answer } from './upstream-response.ts';
import type { CallBody } from './body.ts';
import type { Call, CallResult } from './call.ts';
import { waiting } from './call-record.ts';
import type { CallRequest } from './caller.ts';
import { noteForeignRefusal } from './foreign-token.ts';
import { preflightAnswer } from './cors.ts';
import { gate, type Gated, type Target, toRequestTarget } from './gate.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import { knownHeadOf } from './known-head.ts';
import { type Plan, planCall } from './plan.ts';
import type { NoReplay } from './reports.ts';
import { serveSecretCall } from './secret-call.ts';
import { serveSignature } from './signature-call.ts';
import type { ProxyRules, Sidecar } from './sidecar.ts';
import { ticketAnswer, ticketTypeOf, TICKET_PATH } from './ticket-call.ts';
import { answerTokenCall, TOKEN_CALL_BYTES_MAX } from './token-endpoint.ts';

type InjectPlan = Extract<Plan, { kind: 'inject' }>;

/** What to do with a call, decided by its head alone. */
export type Decision =
  | Exclude<Gated, { kind: 'open' }>
  | {
      readonly kind: 'planned';
      readonly target: Target;
      readonly plan: Plan;
      readonly page: string | undefined;
    };

/** Runs the gate and decides on the account and the place of the token. */
export function decide(request: CallRequest, { accounts }: Sidecar, rules: ProxyRules): Decision {
  const gated = gate(request, rules.gate);
  if (gated.kind !== 'open') return gated;
  const { fields } = request;
  const appidHeaders =
    fields === undefined
      ? headerValues(request.rawHeaders, 'x-wechat-appid')
      : knownHeadOf(fields).appidHeaders;
  const plan = planCall(gated.target, appidHeaders, (fingerprint) => accounts.ownerOf(fingerprint), rules);
  return { kind: 'planned', target: gated.target, plan, page: gated.page };
}

/** How serving a call ends: exactly one of the two is called, once. */
export interface Ending {
  served(outcome: CallResult): void;
  /** An internal error occurred. */
  failed(error: unknown): void;
}

/**
 * The usual call: its token is available, and only the response is awaited. No promise is created unless the token is
 * refused. Returns `false`, with nothing done, if the call is not of this kind. `nowMs` was read since anything was awaited.
 */
export function serveAtOnce(
  call: Call,
  sidecar: Sidecar,
  decision: Decision,
  ending: Ending,
  nowMs: number,
): boolean {
  if (decision.kind !== 'planned' || decision.plan.kind !== 'inject') return false;
  const { target, plan, page } = decision;
  const { accounts } = sidecar;
  const token = accounts.peek(plan.appid);
  if (token === undefined || target.path === TICKET_PATH || accounts.knows(plan.appid) !== true) return false;
  call.allowPage(page);
  call.setLabels(target.label, plan.appid);
  const body = call.takeBody(true);
  if (!('kind' in body)) {
    settle(
      body.then((whole) => serveInjected(call, sidecar, plan, target, whole)),
      ending,
    );
  } else if (body.kind === 'refused' || body.kind === 'client_closed') ending.served(withoutBody(call, body));
  else new Injection(call, sidecar, plan, target, body, ending).send(token, 0, nowMs);
  return true;
}

/** Reports the result of a call that is awaited. */
export function settle(serving: Promise<CallResult>, ending: Ending): void {
  serving.then(
    (outcome) => ending.served(outcome),
    (error: unknown) => ending.failed(error),
  );
}

/**
 * Serves one call: gate, account, placement of the token, sending, verdict on the response, report of a refused token
 * with one replay, response. Nothing is awaited that is already available.
 */
export async function serveCall(
  call: Call,
  sidecar: Sidecar,
  decision: Decision = decide(call.request, sidecar, call.rules),
): Promise<CallResult> {
  call.allowPage(decision.page);
  if (decision.kind === 'preflight') return call.respondLocally(preflightAnswer(call.request));
  if (decision.kind === 'refused') return call.fail(decision.reason, decision.message);
  const { target, plan } = decision;
  call.setLabels(target.label, undefined);
  if (plan.kind === 'refused') return call.fail(plan.reason, plan.message);
  if (plan.kind === 'token') return serveTokenCall(call, sidecar, plan.endpoint, target);

  if (plan.appid !== undefined) {
    const isKnown = sidecar.accounts.knows(plan.appid);
    if (isKnown !== true && !(await isKnown)) {
      return call.fail('unknown_app', 'the account that this call names is not served here');
    }
    call.setLabels(target.label, plan.appid);
  }
  if (plan.kind === 'signature') return serveSignature(call, sidecar, plan);
  if (plan.kind === 'secret') return serveSecretCall(call, sidecar, plan, target);
  if (plan.kind === 'inject' && target.path === TICKET_PATH) {
    const kept = await keptTicket(call, sidecar, plan, target);
    if (call.isClosed) return call.clientClosed();
    if (kept?.kind === 'unavailable') return withoutToken(call, plan, kept);
    if (kept !== undefined) return call.finish(kept, 0);
  }
  const taken = call.takeBody(plan.kind === 'inject');
  const body = 'kind' in taken ? taken : await taken;
  if (plan.kind === 'inject') return serveInjected(call, sidecar, plan, target, body);
  if (body.kind === 'refused' || body.kind === 'client_closed') return withoutBody(call, body);
  const answer = await call.send(toRequestTarget(target, plan.query), body, 'passing', 0);
  if (plan.foreign) noteForeignRefusal(call, sidecar, plan.appid, answer);
  return call.finish(answer, 0);
}

function withoutBody(call: Call, body: Extract<CallBody, { kind: 'refused' | 'client_closed' }>): CallResult {
  return body.kind === 'refused' ? call.fail(body.reason, body.message) : call.clientClosed();
}

/** A call that carries our token, which may have to be awaited. */
async function serveInjected(
  call: Call,
  sidecar: Sidecar,
  plan: InjectPlan,
  target: Target,
  body: CallBody,
): Promise<CallResult> {
  if (body.kind === 'refused' || body.kind === 'client_closed') return withoutBody(call, body);
  const { accounts, clock } = sidecar;
  const inHand = accounts.peek(plan.appid);
  const askedMs = inHand === undefined ? clock.monotonicMs() : 0;
  const granted = inHand === undefined ? await waiting(call, accounts.token(plan.appid)) : undefined;
  if (call.isClosed) return call.clientClosed();
  if (granted?.kind === 'unavailable') return withoutToken(call, plan, granted);
  const token = inHand ?? (granted as Extract<TokenAnswer, { kind: 'token' }>).token;
  const waitedMs = granted === undefined ? 0 : clock.monotonicMs() - askedMs;
  return new Promise((served, failed) => {
    new Injection(call, sidecar, plan, target, body, { served, failed }).send(
      token,
      waitedMs,
      clock.monotonicMs(),
    );
  });
}

/** A call that carries our token: sent, judged, and sent again if a refused token could be replaced. */
class Injection {
  readonly #call: Call;
  readonly #sidecar: Sidecar;
  readonly #plan: InjectPlan;
  readonly #target: Target;
  readonly #body: CallBody;
  readonly #ending: Ending;

  constructor(
    call: Call,
    sidecar: Sidecar,
    plan: InjectPlan,
    target: Target,
    body: CallBody,
    ending: Ending,
  ) {
    this.#call = call;
    this.#sidecar = sidecar;
    this.#plan = plan;
    this.#target = target;
    this.#body = body;
    this.#ending = ending;
  }

  send(token: Token, waitedMs: number, sentMs: number): void {
    this.#sendWith(token, 0, sentMs, (first) => {
      const context = { appid: this.#plan.appid, path: this.#call.path, waitedMs };
      noteSuccess(this.#sidecar, context, token, sentMs, first);
      if (isRefusal(first)) settle(this.#afterRefusal(context, token, first), this.#ending);
      else this.#finish(first);
    });
  }

  #finish(answer: Answer): void {
    let outcome: CallResult;
    try {
      outcome = this.#call.finish(answer, 0);
    } catch (error) {
      this.#ending.failed(error);
      return;
    }
    this.#ending.served(outcome);
  }

  async #afterRefusal(context: CallContext, refused: Token, first: Held): Promise<CallResult> {
    const call = this.#call;
    const sidecar = this.#sidecar;
    const { appid, standIn } = this.#plan;
    const healing = await heal(call, sidecar, context, refused, first, this.#body);
    if (call.isClosed) {
      if (healing.kind === 'replay') sidecar.metrics.replaySkipped(appid, 'caller_left');
      return call.clientClosed();
    }
    if (healing.kind === 'no_replay') {
      const final = standIn && !healing.hopeful;
      return call.finish(first, 0, final ? negatedRefusal(first.verdict) : undefined);
    }
    const { token } = healing;
    const sentMs = sidecar.clock.monotonicMs();
    const second = await new Promise<Answer>((resolve) => this.#sendWith(token, 1, sentMs, resolve));
    noteSuccess(sidecar, context, token, sentMs, second);
    noteReplay(call, sidecar, context, token, first, second);
    const final = standIn && isRefusal(second);
    return call.finish(second, 1, final ? negatedRefusal(second.verdict) : undefined);
  }

  #sendWith(token: Token, replay: 0 | 1, sentMs: number, onAnswer: (answer: Answer) => void): void {
    const { query, appid, bare } = this.#plan;
    const withToken = bare
      ? withPair(query, `access_token=${token.value.revealEncoded()}`)
      : withParam(query, 'access_token', token.value.reveal());
    const injected = { secret: token.value, inHeaders: () => standInFor(appid) };
    const target = toRequestTarget(this.#target, withToken);
    this.#call.sendThen(onAnswer, target, this.#body, 'exchange', replay, injected, sentMs);
  }
}

function noteSuccess(
  { reports }: Sidecar,
  { appid, path }: CallContext,
  token: Token,
  sentMs: number,
  answer: Answer,
): void {
  if (isSuccess(answer)) reports.succeeded(appid, path, token.fingerprint, sentMs);
}

function withoutToken(call: Call, { standIn }: InjectPlan, { message, errcode }: Unavailable): CallResult {
  // The platform refused our AppSecret; an SDK would read this errcode as its own token being invalid.
  const misleads = standIn && REFUSED_ERRCODES.has(errcode);
  return call.fail('token_unavailable', message, misleads ? -errcode : errcode);
}

/** A caller that has waited this long for a ticket must not also wait for a token: SDKs give up after 3 s. */
const TICKET_WAIT_MS_MAX = 1_000;

/** A ticket that is kept for the whole account; if there is none, the call is served like any other. */
async function keptTicket(
  call: Call,
  { accounts, clock }: Sidecar,
  { appid, query }: InjectPlan,
  { path }: Target,
): Promise<Answer | Unavailable | undefined> {
  const type = ticketTypeOf(call.method, path, query);
  if (type === undefined) return undefined;
  const askedMs = clock.monotonicMs();
  const answer = await waiting(call, accounts.ticket(appid, type));
  if (answer.kind === 'ticket') return ticketAnswer(answer.ticket, clock);
  return clock.monotonicMs() - askedMs > TICKET_WAIT_MS_MAX ? answer : undefined;
}

type Held = Extract<Answer, { kind: 'held' }>;

type Healing =
  | { readonly kind: 'replay'; readonly token: Token }
  /** `hopeful`: there is a new token but the body is gone, so a retry by the caller may succeed. */
  | { readonly kind: 'no_replay'; readonly hopeful: boolean };

/** Reports a refused token and returns whether the call can be sent again with another. */
async function heal(
  call: Call,
  sidecar: Sidecar,
  { appid, path, waitedMs }: CallContext,
  refused: Token,
  answer: Held,
  body: CallBody,
): Promise<Healing> {
  const { metrics, log } = sidecar;
  const { errcode = 0, errmsg } = answer.verdict;
  const skip = (reason: ReplaySkipReason, hopeful: boolean): Healing => {
    metrics.replaySkipped(appid, reason);
    log.info('refused call not replayed', {
      app: appid,
      path,
      reason,
      errcode,
      rid: ridOf(errmsg),
      fingerprint: refused.fingerprint,
      trace_id: call.record?.traceId,
    });
    return { kind: 'no_replay', hopeful };
  };
  const report = sidecar.reports.refused(appid, path, refused.fingerprint, errcode, waitedMs);
  const outcome = await waiting(call, report);
  if (outcome.kind === 'no_replay') {
    const word = SHOWN[outcome.reason];
    if (word !== undefined) call.note(`token=${word}`);
    return skip(outcome.reason, false);
  }
  if (body.kind === 'streamed') return skip('body_too_large', true);
  if (body.kind === 'kept' && !body.body.replayable) return skip('memory_limit', true);
  return { kind: 'replay', token: outcome.token };
}

/** Its value in the header `x-wechat-sidecar`. */
const SHOWN: Partial<Record<NoReplay, string>> = {
  accepted: 'held',
  held: 'held',
  waiting: 'waiting',
  rationed: 'rationed',
};

interface CallContext {
  readonly appid: string;
  readonly path: string;
  /** How long the caller has waited for its first token. */
  readonly waitedMs: number;
}

function noteReplay(
  call: Call,
  sidecar: Sidecar,
  { appid, path }: CallContext,
  token: Token,
  first: Held,
  second: Answer,
): void {
  const outcome = isRefusal(second)
    ? 'refused'
    : second.kind === 'failed' || second.kind === 'client_closed'
      ? 'failed'
      : 'recovered';
  const { errcode = 0, errmsg } = first.verdict;
  // The caller has waited long enough for its response.
  if (isRefusal(second)) {
    void sidecar.reports.refused(appid, path, token.fingerprint, second.verdict.errcode ?? errcode);
  }
  sidecar.metrics.replayed(appid, errcode, outcome);
  sidecar.log.info('call replayed', {
    app: appid,
    path,
    outcome,
    errcode,
    rid: ridOf(errmsg),
    fingerprint: token.fingerprint,
    trace_id: call.record?.traceId,
  });
}

async function serveTokenCall(
  call: Call,
  { accounts }: Sidecar,
  endpoint: 'token' | 'stable_token',
  target: Target,
): Promise<CallResult> {
  const body = await call.readBody(TOKEN_CALL_BYTES_MAX);
  if (body === undefined) {
    return call.isClosed
      ? call.clientClosed()
      : call.fail('body_too_large', 'a token call has a body of some 300 bytes');
  }
  return call.respondLocally(await answerTokenCall(endpoint, call.method, target, body, accounts));
}

/** An explicit verdict on our token; a gateway error or a partial response never is one. */
function isRefusal(answer: Answer): answer is Held {
  return answer.kind === 'held' && REFUSED_ERRCODES.has(answer.verdict.errcode ?? 0);
}

/** Proof that the platform accepts the token. */
function isSuccess(answer: Answer): boolean {
  if (answer.kind === 'held') return isOk(answer.head.status) && (answer.verdict.errcode ?? 0) === 0;
  return answer.kind === 'relayed' && isOk(answer.status);
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
