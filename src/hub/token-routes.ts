import type Koa from 'koa';
import { REFUSED_ERRCODES } from '../wechat/verdict.ts';
import type { Unavailable } from '../token/source.ts';
import { type Caller, hasRight, mayDo, isAuthorized } from './authenticator.ts';
import type { Hub } from './hub.ts';
import { BODY_LIMITS } from './limits.ts';
import { notPermitted, Problem, unknownApp } from './problem.ts';
import { addressOf, readJson } from './request.ts';
import { SCHEMAS } from '../hub-api/schemas.ts';
import { wireApp, wireRefresh, wireToken } from './wire.ts';

const WATCHED_APPIDS_MAX = 1_000;

/** GET /v1/apps */
export function answerApps(ctx: Koa.Context, hub: Hub, caller: Caller): void {
  const { accounts, clock } = hub;
  const apps = accounts.list().filter(({ appid }) => isAuthorized(caller, appid));
  ctx.body = { apps: apps.map((app) => wireApp(app, accounts.peek(app.appid), clock)) };
}

/** GET /v1/apps/{appid}/token */
export async function answerToken(ctx: Koa.Context, hub: Hub, _: Caller, appid: string): Promise<void> {
  const answer = await hub.accounts.token(appid);
  if (answer.kind === 'unavailable') throw noToken(answer);
  ctx.body = wireToken(appid, answer.token, hub.clock);
}

/** POST /v1/apps/{appid}/token/refresh */
export async function answerRefresh(
  ctx: Koa.Context,
  hub: Hub,
  caller: Caller,
  appid: string,
): Promise<void> {
  const parsed = SCHEMAS.Report.safeParse(await readJson(ctx.req, BODY_LIMITS.reportBytesMax));
  if (!parsed.success) {
    throw new Problem(
      'bad_request',
      `Send {"fingerprint": 16 hex digits, "errcode": one of ${[...REFUSED_ERRCODES].join(', ')}}, optionally with "path" (at most 128 characters of A-Za-z0-9/_.~-, or "sha256:" and 16 hex digits) and "succeeded" (true or false).`,
    );
  }
  const { fingerprint, errcode, path, succeeded = false } = parsed.data;
  const outcome = await hub.refreshes.report(caller, appid, { fingerprint, errcode, path, succeeded });
  if (outcome.kind === 'limited') throw tooManyRefreshes(outcome.retryAfterMs);
  if (outcome.kind === 'unavailable') throw noToken(outcome);
  ctx.body = wireRefresh(appid, outcome, hub.clock);
}

/** GET /v1/tokens/watch */
export function answerWatch(ctx: Koa.Context, hub: Hub, caller: Caller): void {
  if (ctx.method !== 'GET') throw new Problem('method_not_allowed', 'Use GET.');
  const asked = new URLSearchParams(ctx.querystring).getAll('appid');
  if (asked.length > WATCHED_APPIDS_MAX) {
    throw new Problem('bad_request', `At most ${WATCHED_APPIDS_MAX} accounts can be watched by name.`);
  }
  if (asked.some((appid) => !isAuthorized(caller, appid) || !hub.accounts.has(appid))) throw unknownApp();
  const isPermitted =
    asked.length === 0 ? hasRight(caller, 'tokens') : asked.every((appid) => mayDo(caller, 'tokens', appid));
  if (!isPermitted) throw notPermitted('tokens');
  if (!hub.watchers.hasRoomFor(caller)) {
    throw new Problem('overloaded', 'The hub cannot accept more watchers now.', { retryAfterS: 5 });
  }
  // The response is written without Koa.
  ctx.respond = false;
  const appids = asked.length === 0 ? undefined : new Set(asked);
  hub.watchers.open(ctx.res, caller, addressOf(ctx), appids);
}

export function noToken({ errcode, message }: Unavailable): Problem {
  return new Problem('token_unavailable', message, { errcode, retryAfterS: 1 });
}

export function tooManyRefreshes(retryAfterMs: number): Problem {
  return new Problem('too_many_requests', 'This caller requests refreshes too often.', {
    retryAfterS: Math.ceil(retryAfterMs / 1_000),
  });
}
