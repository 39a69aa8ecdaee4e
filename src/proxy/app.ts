import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import Koa from 'koa';
import { faultOf } from '../base/fault.ts';
import type { LocalResponse } from '../server/local-response.ts';
import { errorResponse } from './errors.ts';
import type { Refuse } from '../server/refuse.ts';
import type { ServePlain } from '../server/express-lane.ts';
import type { PlainExchange } from '../server/plain-exchange.ts';
import { Call, type CallResult } from './call.ts';
import { HttpCaller, PlainCaller } from './caller.ts';
import { decide, type Decision, type Ending, serveAtOnce, serveCall, settle } from './serve.ts';
import type { ProxyRules, Sidecar } from './sidecar.ts';

/** What a listener needs to serve the business port. */
export interface ProxyHandlers {
  readonly handler: RequestListener;
  readonly onExpectContinue: RequestListener;
  /** Responds to what never became a request. */
  readonly refuse: Refuse;
  /** Serves the plain requests that do not need the general lane. */
  readonly express: ServePlain;
}

/** The business port: every call is counted, served, and answered in the platform's own format. */
export function makeProxyHandlers(sidecar: Sidecar): ProxyHandlers {
  const waiting = new WeakSet<IncomingMessage>();
  const counter = { inFlight: 0 };
  const app = new Koa();
  app.use(async (ctx) => {
    // A relayed response bypasses Koa.
    ctx.respond = false;
    const call = new Call(new HttpCaller(ctx.req, ctx.res, waiting.has(ctx.req)), sidecar);
    const own = await new Promise<LocalResponse | undefined>((resolve) => {
      serve(call, sidecar, counter, undefined, resolve);
    });
    if (own !== undefined) {
      ctx.respond = true;
      ctx.status = own.status;
      ctx.set({ ...own.headers });
      ctx.body = own.body;
    }
    call.close();
  });
  // An error after the response has begun comes from the caller's connection, which is closed by then.
  app.on('error', (error: Error) => sidecar.log.debug('a connection failed', { reason: error.name }));

  const handler = app.callback();
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void handler(request, response);
  return {
    handler: listener,
    onExpectContinue(request, response) {
      waiting.add(request);
      listener(request, response);
    },
    refuse: (refusal) => errorResponse('bad_request', refusal.message, 'http'),
    express: (exchange) => serveExpress(exchange, sidecar, counter),
  };
}

interface Counter {
  inFlight: number;
}

/**
 * Leaves to the general lane: calls that the gate refuses, responses a web page may read, calls that pass through, and
 * calls whose body is not kept for a replay.
 */
function serveExpress(exchange: PlainExchange, sidecar: Sidecar, counter: Counter): boolean {
  const rules = sidecar.rules();
  if (exchange.body.length > rules.replayBodyBytesMax) return false;
  const decision = decideOrFail(exchange, sidecar, rules);
  if (decision?.kind !== 'planned' || decision.page !== undefined || decision.plan.kind === 'pass')
    return false;
  exchange.begin();
  const call = new Call(new PlainCaller(exchange), sidecar, rules);
  serve(call, sidecar, counter, decision, (own) => {
    if (own !== undefined) call.write(own);
    call.close();
  });
  return true;
}

/** On an internal error, returns undefined: the general lane will hit the same error and respond to it. */
function decideOrFail(exchange: PlainExchange, sidecar: Sidecar, rules: ProxyRules): Decision | undefined {
  try {
    return decide(exchange, sidecar, rules);
  } catch {
    return undefined;
  }
}

/** Serves and counts a call. `done` receives the local response that is still to be written, if any. */
function serve(
  call: Call,
  sidecar: Sidecar,
  counter: Counter,
  decision: Decision | undefined,
  done: (own: LocalResponse | undefined) => void,
): void {
  const { clock, metrics } = sidecar;
  const startMs = clock.monotonicMs();
  metrics.callStarted();
  counter.inFlight += 1;
  const ending: Ending = {
    served(outcome): void {
      counter.inFlight -= 1;
      metrics.callEnded();
      recordCall(call, sidecar, outcome, clock.monotonicMs() - startMs);
      done(outcome.own);
    },
    failed: (error) => ending.served(faulty(call, sidecar, error)),
  };
  try {
    if (counter.inFlight > call.rules.inFlightMax) {
      const words = 'too many calls are in flight (WECHAT_SIDECAR_MAX_IN_FLIGHT)';
      ending.served(call.fail('overloaded', words));
    } else if (decision === undefined || !serveAtOnce(call, sidecar, decision, ending, startMs)) {
      settle(serveCall(call, sidecar, decision), ending);
    }
  } catch (error) {
    ending.failed(error);
  }
}

/** Records a call in metrics and logs. */
function recordCall(call: Call, { metrics, log }: Sidecar, outcome: CallResult, durationMs: number): void {
  const { app, path, status, errcode, answeredBy, failure } = outcome;
  metrics.callAnswered({ app, path, status, errcode, answeredBy, durationMs });
  call.record?.ended(outcome, call.bytesIn);
  const trace_id = call.record?.traceId;
  log.debug('call', { app, path, status, errcode, trace_id });
  if (failure !== undefined) {
    log.warn('call failed', { app, path, errcode, ...failure, trace_id });
  }
}

/** An internal error must cost one call, not the process. Only its location is logged: its text may quote the call. */
function faulty(call: Call, { log }: Sidecar, error: unknown): CallResult {
  log.error('internal error while serving a call', { ...faultOf(error), trace_id: call.record?.traceId });
  if (call.response.headersSent) {
    call.response.destroy();
    return call.clientClosed();
  }
  return call.fail('upstream_broken', 'internal error of the sidecar; the call may have been executed');
}
