import type Koa from 'koa';
import type Router from 'koa-router';
import { type Caller, keyOf, mayDo, isAuthorized } from '../authenticator.ts';
import type { Hub } from '../hub.ts';
import { BODY_LIMITS } from '../limits.ts';
import { notPermitted, Problem, unknownApp } from '../problem.ts';
import { addressOf, readBody } from '../request.ts';
import { noToken, tooManyRefreshes } from '../token-routes.ts';
import { readAssets } from './assets.ts';
import { pageData } from './data.ts';
import { loginHtml, pageHtml } from './html.ts';
import { SESSION_MS, Sessions } from './sessions.ts';
import { type Language, languageOf } from './words.ts';

const COOKIE = 'wechat-sidecar-hub';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The status page: all its resources are served from here. */
export function addPageRoutes(router: Router, hub: Hub): void {
  const sessions = new Sessions(hub.clock, hub.random, (caller) => hub.callers.isStillValid(caller));
  const visitor = (ctx: Koa.Context): Caller | undefined => {
    const caller = sessions.callerOf(ctx.cookies.get(COOKIE));
    if (caller !== undefined) hub.connectionTable.authenticated(ctx.req.socket, keyOf(caller));
    return caller;
  };
  const noted =
    (call: string, run: (ctx: Koa.Context) => void | Promise<void>) =>
    async (ctx: Koa.Context): Promise<void> => {
      try {
        await run(ctx);
      } catch (error) {
        if (error instanceof Problem) noteRefusal(ctx, hub, visitor(ctx), call, error);
        throw error;
      }
    };

  router.get('/', (ctx) => {
    const language = languageIn(ctx);
    answerHtml(ctx, 200, visitor(ctx) === undefined ? loginHtml(language) : pageHtml(language));
  });
  for (const { path, type, text } of readAssets()) {
    router.get(path, (ctx) => answerText(ctx, type, text));
  }
  router.post(
    '/login',
    noted('POST /login', (ctx) => logIn(ctx, hub, sessions)),
  );
  router.post(
    '/logout',
    noted('POST /logout', (ctx) => {
      requireOwnPage(ctx);
      sessions.close(ctx.cookies.get(COOKIE));
      setCookie(ctx, '', 0);
      goHome(ctx);
    }),
  );
  router.get('/page/data', (ctx) => {
    ctx.body = pageData(hub, required(visitor(ctx)), languageIn(ctx));
  });
  router.post(
    '/page/apps/:appid/refresh',
    noted('POST /page/apps/:appid/refresh', async (ctx) => {
      requireOwnPage(ctx);
      const { appid = '' } = (ctx as Koa.Context & { params: { appid?: string } }).params;
      await refreshByHand(ctx, hub, required(visitor(ctx)), appid);
    }),
  );
}

function noteRefusal(
  ctx: Koa.Context,
  hub: Hub,
  caller: Caller | undefined,
  call: string,
  { reason, detail }: Problem,
): void {
  hub.audit.refused({ caller, address: addressOf(ctx), call, reason, why: detail });
}

async function logIn(ctx: Koa.Context, hub: Hub, sessions: Sessions): Promise<void> {
  requireOwnPage(ctx);
  const language = languageIn(ctx);
  const address = addressOf(ctx);
  const form = new URLSearchParams((await readBody(ctx.req, BODY_LIMITS.unknownBytesMax)).toString('utf8'));
  const authentication = hub.callers.byKey((form.get('key') ?? '').trim(), address);
  if (authentication.kind !== 'caller') {
    const isLimited = authentication.kind === 'limited';
    const reason = isLimited ? 'too_many_failures' : 'unauthorized';
    hub.audit.refused({ caller: undefined, address, call: 'POST /login', reason, why: authentication.why });
    answerHtml(ctx, isLimited ? 429 : 401, loginHtml(language, isLimited ? 'tooOften' : 'wrongKey'));
    return;
  }
  const { caller } = authentication;
  setCookie(ctx, sessions.open(caller), SESSION_MS);
  hub.log.info('page login', { caller: caller.name, address });
  goHome(ctx);
}

async function refreshByHand(ctx: Koa.Context, hub: Hub, caller: Caller, appid: string): Promise<void> {
  if (!isAuthorized(caller, appid) || !hub.accounts.has(appid)) throw unknownApp();
  if (!mayDo(caller, 'refresh', appid)) throw notPermitted('refresh');
  const before = hub.accounts.peek(appid)?.fingerprint;
  const outcome = await hub.calls.run(caller, () => hub.refreshes.byHand(caller, appid));
  if (outcome.kind === 'limited') throw tooManyRefreshes(outcome.retryAfterMs);
  if (outcome.kind === 'unavailable') throw noToken(outcome);
  const { fingerprint } = outcome.token;
  ctx.body = { fingerprint, refreshed: fingerprint !== before };
}

function required(caller: Caller | undefined): Caller {
  if (caller === undefined) throw new Problem('unauthorized', 'Log in first.');
  return caller;
}

/**
 * A form or script of another site must not use the cookie of a logged-in user. The cookie is not sent with such calls
 * (SameSite); this check covers clients that send it anyway.
 */
function requireOwnPage(ctx: Koa.Context): void {
  const site = ctx.get('sec-fetch-site');
  const isOwn = site === '' ? hostOf(ctx.get('origin')) === ctx.host : site === 'same-origin';
  if (!isOwn) throw new Problem('forbidden_origin', 'Only the page of this hub may send this.');
}

function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
}

function setCookie(ctx: Koa.Context, value: string, lifeMs: number): void {
  ctx.cookies.set(COOKIE, value, {
    httpOnly: true,
    sameSite: 'strict',
    secure: ctx.secure,
    overwrite: true,
    maxAge: lifeMs,
  });
}

function languageIn(ctx: Koa.Context): Language {
  return languageOf(new URLSearchParams(ctx.querystring).get('lang'), ctx.get('accept-language'));
}

function goHome(ctx: Koa.Context): void {
  const asked = new URLSearchParams(ctx.querystring).get('lang');
  ctx.redirect(asked === null ? '/' : `/?lang=${languageIn(ctx)}`);
  // After a POST, the browser must GET the page.
  ctx.status = 303;
}

function answerHtml(ctx: Koa.Context, status: number, html: string): void {
  ctx.status = status;
  ctx.set({
    'content-security-policy': POLICY,
    // Not no-referrer: over plain HTTP, it makes browsers omit the Origin of this page's own forms.
    'referrer-policy': 'same-origin',
    vary: 'Accept-Language, Cookie',
  });
  answerText(ctx, 'text/html', html);
}

function answerText(ctx: Koa.Context, type: string, text: string): void {
  ctx.set({ 'content-type': `${type}; charset=utf-8`, 'x-content-type-options': 'nosniff' });
  ctx.body = text;
}
