import type { RequestListener } from 'node:http';
import Koa from 'koa';
import Router from 'koa-router';
import { faultOf } from '../base/fault.ts';
import { type Caller, keyOf, mayDo, isAuthorized, type Authentication } from './authenticator.ts';
import type { Refuse } from '../server/refuse.ts';
import type { Hub } from './hub.ts';
import { addPageRoutes } from './page/routes.ts';
import { notPermitted, Problem, problemAnswer, unknownApp } from './problem.ts';
import { addressOf } from './request.ts';
import type { ApiRoute } from './route.ts';
import { API_ROUTES } from './routes.ts';
import type { ProblemReason } from '../hub-api/problem.ts';

/** What a listener needs to serve the hub. */
export interface HubHandlers {
  readonly handler: RequestListener;
  /** Responds to input that is not a valid request. */
  readonly refuse: Refuse;
}

export function makeHubHandlers(hub: Hub): HubHandlers {
  const router = new Router({ sensitive: true, strict: true });
  for (const route of API_ROUTES) {
    const serve = (ctx: Koa.Context): Promise<void> => serveApi(ctx, hub, route);
    if (route.method === 'GET') router.get(route.path, serve);
    else router.post(route.path, serve);
  }
  addPageRoutes(router, hub);
  const app = new Koa();
  app.use(async (ctx, next) => {
    await answered(ctx, next, hub);
    hub.metrics.answered(labelOf(ctx), ctx.status);
  });
  app.use(router.routes());
  app.use(refuseUnrouted);
  // An error after the response has started is a failed client connection.
  app.on('error', (error: Error) => hub.log.debug('a connection failed', { reason: error.name }));
  const handle = app.callback();
  return {
    handler: (request, response) => void handle(request, response),
    refuse: ({ message }) => problemAnswer(new Problem('bad_request', message)),
  };
}

/** A placeholder for routes that authenticate the caller themselves and take a place for it afterwards. */
const NOBODY: Caller = { kind: 'client', name: 'nobody', grants: [] };

/** Authenticates and authorizes before anything else of the call is read. */
async function serveApi(ctx: Koa.Context, hub: Hub, route: ApiRoute): Promise<void> {
  const call = `${route.method} ${route.path}`;
  const appid = paramOf(ctx, 'appid');
  const caller =
    route.credential === 'key'
      ? NOBODY
      : callerIn(
          await hub.callers.byAuthorization(ctx.headers.authorization, addressOf(ctx)),
          ctx,
          hub,
          call,
        );
  try {
    if (appid !== undefined && !(isAuthorized(caller, appid) && hub.accounts.has(appid))) throw unknownApp();
    if (appid !== undefined && route.right !== 'any' && !mayDo(caller, route.right, appid)) {
      throw notPermitted(route.right);
    }
    const run = (): void | Promise<void> => route.run(ctx, hub, caller, appid ?? '');
    if (route.credential === 'key') await run();
    else await (route.right === 'relay' ? hub.relays : hub.calls).run(caller, run);
  } catch (error) {
    if (error instanceof Problem) noteRefusal(ctx, hub, caller, call, appid, error);
    throw error;
  }
}

function callerIn(authentication: Authentication, ctx: Koa.Context, hub: Hub, call: string): Caller {
  switch (authentication.kind) {
    case 'caller':
      hub.connectionTable.authenticated(ctx.req.socket, keyOf(authentication.caller));
      return authentication.caller;
    case 'unauthenticated':
      noteStranger(ctx, hub, call, 'unauthorized', authentication.why);
      throw new Problem('unauthorized', WANTED);
    case 'limited':
      noteStranger(ctx, hub, call, 'too_many_failures', authentication.why);
      throw new Problem('too_many_failures', `${WANTED} Too many calls without one came from this address.`, {
        retryAfterS: Math.ceil(authentication.retryAfterMs / 1_000),
      });
    case 'unavailable':
      throw new Problem('review_unavailable', authentication.why, { retryAfterS: 2 });
  }
}

const WANTED = 'Send "Authorization: Bearer …" with a credential that this hub knows.';

function noteStranger(ctx: Koa.Context, hub: Hub, call: string, reason: ProblemReason, why: string): void {
  hub.audit.refused({ caller: undefined, address: addressOf(ctx), call, reason, why });
}

/** The client errors that an operator of the hub should see. */
const REFUSALS: ReadonlySet<ProblemReason> = new Set([
  'unknown_app',
  'not_permitted',
  'too_many_requests',
  'forbidden_origin',
  'bad_request',
]);

function noteRefusal(
  ctx: Koa.Context,
  hub: Hub,
  caller: Caller,
  call: string,
  appid: string | undefined,
  { reason, detail }: Problem,
): void {
  if (!REFUSALS.has(reason)) return;
  hub.audit.refused({ caller, address: addressOf(ctx), call, appid, reason, why: detail });
}

/** The route of an API call, for metrics. */
function labelOf(ctx: Koa.Context): string {
  return API_ROUTES.find((route) => matches(route.path, ctx.path))?.path ?? 'other';
}

/** The only place where an error becomes a response. */
async function answered(ctx: Koa.Context, next: Koa.Next, hub: Hub): Promise<void> {
  ctx.set('cache-control', 'no-store');
  try {
    await next();
  } catch (error) {
    const problem = error instanceof Problem ? error : faulty(hub, error);
    const { status, headers, body } = problemAnswer(problem);
    ctx.respond = true;
    ctx.status = status;
    ctx.set({ ...headers });
    // Do not wait for the unread rest of the request.
    if (!ctx.req.complete) ctx.set('connection', 'close');
    ctx.body = body;
  }
}

/** The error text may quote the call, so only its location is logged. */
function faulty(hub: Hub, error: unknown): Problem {
  hub.log.error('internal error while serving a hub request', { ...faultOf(error) });
  return new Problem('internal', 'Internal error in the hub; see its log.');
}

function refuseUnrouted(ctx: Koa.Context): void {
  const here = API_ROUTES.filter(({ path }) => matches(path, ctx.path)).map(({ method }) => method);
  if (here.length === 0) throw new Problem('not_found', 'GET /openapi.json lists all routes.');
  ctx.set('allow', here.join(', '));
  throw new Problem('method_not_allowed', `Use ${here.join(' or ')}.`);
}

function matches(route: string, path: string): boolean {
  const [wanted, given] = [route.split('/'), path.split('/')];
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith(':') || part === given[index])
  );
}

function paramOf(ctx: Koa.Context, name: string): string | undefined {
  return (ctx as Koa.Context & { params: Partial<Record<string, string>> }).params[name];
}
