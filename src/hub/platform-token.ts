import { fieldsOf, parseJson } from '../base/json.ts';
import type Koa from 'koa';
import { LOGIN_ONLY, type TokenAnswer } from '../token/source.ts';
import { keyOf, mayDo, isAuthorized, type Caller } from './authenticator.ts';
import type { Hub } from './hub.ts';
import { BODY_LIMITS } from './limits.ts';
import { Problem } from './problem.ts';
import { addressOf, readBody, readJson } from './request.ts';
import { secondsLeft } from './wire.ts';

const WRONG_KEY = 'invalid appsecret: wechat-sidecar expects the key of one of its clients here';

interface Question {
  readonly grantType: string;
  readonly appid: string;
  /** The key of a client, in the place of the AppSecret. */
  readonly key: string;
}

/** GET /cgi-bin/token: the real token in the platform's format, for programs that cannot run a sidecar. */
export async function answerPlatformToken(ctx: Koa.Context, hub: Hub): Promise<void> {
  await answer(ctx, hub, questionOf(paramsIn(ctx.querystring)));
}

/** POST /cgi-bin/token: the same. The parameters are in the query as usual, or in a JSON or form body. */
export async function answerPostedPlatformToken(ctx: Koa.Context, hub: Hub): Promise<void> {
  const text = (await readBody(ctx.req, BODY_LIMITS.unknownBytesMax)).toString('utf8');
  const inBody = text.trimStart().startsWith('{') ? fieldsOf(parseJson(text)) : paramsIn(text);
  await answer(ctx, hub, questionOf({ ...inBody, ...paramsIn(ctx.querystring) }));
}

/** POST /cgi-bin/stable_token: the same for SDKs in that mode; `force_refresh` has no effect. */
export async function answerPlatformStableToken(ctx: Koa.Context, hub: Hub): Promise<void> {
  await answer(ctx, hub, questionOf(fieldsOf(await readJson(ctx.req, BODY_LIMITS.unknownBytesMax))));
}

type Fields = Readonly<Record<string, unknown>>;

function questionOf(fields: Fields): Question {
  return {
    grantType: textOf(fields['grant_type']),
    appid: textOf(fields['appid']),
    key: textOf(fields['secret']),
  };
}

/** If a parameter is repeated, the first one counts. */
function paramsIn(text: string): Fields {
  return Object.fromEntries([...new URLSearchParams(text)].toReversed());
}

async function answer(ctx: Koa.Context, hub: Hub, { grantType, appid, key }: Question): Promise<void> {
  const refuse = (errcode: number, errmsg: string): void => {
    ctx.body = { errcode, errmsg };
  };
  if (grantType !== 'client_credential') return refuse(40002, 'invalid grant_type');
  if (appid === '') return refuse(41002, 'appid missing');
  if (key === '') return refuse(41004, 'appsecret missing');
  const authentication = hub.callers.byKey(key, addressOf(ctx));
  const call = `${ctx.method} ${ctx.path}`;
  if (authentication.kind !== 'caller') {
    const { kind, why } = authentication;
    const reason = kind === 'limited' ? 'too_many_failures' : 'unauthorized';
    hub.audit.refused({ caller: undefined, address: addressOf(ctx), call, reason, why });
    if (kind === 'unauthenticated') return refuse(40125, WRONG_KEY);
    ctx.status = 429;
    ctx.set('retry-after', String(Math.ceil(authentication.retryAfterMs / 1_000)));
    return refuse(45011, `api minute-quota reach limit: too many wrong keys from this address; ${WRONG_KEY}`);
  }
  const { caller } = authentication;
  hub.connectionTable.authenticated(ctx.req.socket, keyOf(caller));
  if (!isAuthorized(caller, appid) || !hub.accounts.has(appid)) {
    const why = 'no such account, or not for this caller';
    hub.audit.refused({ caller, address: addressOf(ctx), call, appid, reason: 'unknown_app', why });
    return refuse(40013, 'invalid appid: wechat-sidecar has no such account for this client');
  }
  if (hub.accounts.isLoginOnly(appid)) {
    return refuse(40013, `invalid appid: wechat-sidecar: ${LOGIN_ONLY.message}`);
  }
  if (!mayDo(caller, 'tokens', appid)) {
    const why = 'its "may" lacks "tokens"';
    hub.audit.refused({ caller, address: addressOf(ctx), call, appid, reason: 'not_permitted', why });
    return refuse(48001, 'api unauthorized: wechat-sidecar: the "may" of this client lacks "tokens"');
  }
  const granted = await inPlace(hub, caller, appid);
  if (granted.kind === 'unavailable') {
    return refuse(granted.errcode, `wechat-sidecar: ${granted.message}`);
  }
  const expiresIn = secondsLeft(granted.token, hub.clock);
  if (expiresIn === 0) return refuse(-1, 'wechat-sidecar: the token is in its last second; request it again');
  ctx.body = { access_token: granted.token.value.reveal(), expires_in: expiresIn };
}

/** Returns the platform's "busy" errcode (-1) if the hub is overloaded. */
async function inPlace(hub: Hub, caller: Caller, appid: string): Promise<TokenAnswer> {
  try {
    // These callers keep the token for expires_in, so it must not be one that is about to be replaced.
    return await hub.calls.run(caller, () => hub.accounts.lastingToken(appid));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: 'unavailable', errcode: -1, message: error.detail };
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
