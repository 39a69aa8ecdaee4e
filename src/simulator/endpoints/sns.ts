import { createHash } from 'node:crypto';
import { type Answer, jsonAnswer } from '../answer.ts';
import { type RefusalShape, refuse } from '../refuse.ts';
import { type IssuedToken, judge, tokenText, word } from '../tokens.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { enterWithSecret } from './secret-call.ts';

/**
 * User logins. Here access_token means a user's own token, which is unrelated to the account's. All
 * responses are text/plain.
 */
export const SNS_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/sns/oauth2/access_token': { method: 'ANY', token: 'own', plainErrors: true, answer: oauthLogin },
  '/sns/oauth2/refresh_token': { method: 'ANY', token: 'own', plainErrors: true, answer: refreshLogin },
  '/sns/userinfo': { method: 'GET', token: 'own', plainErrors: true, answer: userInfo },
  '/sns/auth': { method: 'GET', token: 'own', plainErrors: true, answer: checkLogin },
  '/sns/jscode2session': { method: 'ANY', token: 'own', plainErrors: true, answer: miniProgramLogin },
  '/sns/component/jscode2session': {
    method: 'GET',
    token: 'component',
    plainErrors: true,
    answer: componentMiniProgramLogin,
  },
  '/sns/oauth2/component/access_token': {
    method: 'GET',
    token: 'component',
    plainErrors: true,
    answer: componentOauthLogin,
  },
  '/sns/oauth2/component/refresh_token': {
    method: 'GET',
    token: 'component',
    plainErrors: true,
    answer: refreshLogin,
  },
};

const PLAIN: RefusalShape = { plain: true, ridStyle: 'comma' };
const USER_TOKEN_LIFE_MS = 7_200_000;
const REFRESH_LIFE_MS = 30 * 86_400_000;
const CODE_LIFE_MS = 5 * 60_000;
const SESSION_KEY_BYTES = 16;

/** `{"access_token","expires_in","refresh_token","openid","scope","unionid"}`. */
function oauthLogin(world: World, call: Call): Answer {
  const user = enter(world, call, 'code');
  return typeof user === 'string' ? userToken(world, call, user) : user;
}

function componentOauthLogin(world: World, call: Call): Answer {
  const user = enterByComponent(world, call, 'code');
  return typeof user === 'string' ? userToken(world, call, user) : user;
}

/** `{"session_key","openid","unionid"}`, without errcode. */
function miniProgramLogin(world: World, call: Call): Answer {
  const user = enter(world, call, 'js_code');
  return typeof user === 'string' ? session(world, call, user) : user;
}

function componentMiniProgramLogin(world: World, call: Call): Answer {
  const user = enterByComponent(world, call, 'js_code');
  return typeof user === 'string' ? session(world, call, user) : user;
}

/** Returns the user of the code, or a refusal. Only parameters in the query count, whatever the method. */
function enter(world: World, call: Call, codeName: string): string | Answer {
  const { query } = call;
  const entry = enterWithSecret(
    world,
    call,
    { appid: query.get('appid'), secret: query.get('secret') },
    PLAIN,
  );
  return entry.kind === 'refused' ? entry.answer : redeem(world, call, query.get(codeName));
}

function enterByComponent(world: World, call: Call, codeName: string): string | Answer {
  const account = world.accounts.get(call.query.get('appid') ?? '');
  if (account === undefined) return refuse(world, call, 40013, PLAIN);
  call.account = account;
  return redeem(world, call, call.query.get(codeName));
}

/**
 * Every code logs in a user, once: `alice.1` and `alice.2` are two codes of the user alice. Codes that
 * begin with SIM_INVALID or SIM_BLOCKED fail.
 */
function redeem(world: World, call: Call, code: string | null): string | Answer {
  if (code === null || code === '') return refuse(world, call, 41008, PLAIN);
  if (call.query.get('grant_type') !== 'authorization_code') return refuse(world, call, 40002, PLAIN);
  if (code.startsWith('SIM_INVALID')) return refuse(world, call, 40029, PLAIN);
  if (code.startsWith('SIM_BLOCKED')) return refuse(world, call, 40226, PLAIN);
  const key = `code ${appidOf(call)} ${code}`;
  if ((world.logins.get(key)?.expiresAtMs ?? 0) > call.nowMs) return refuse(world, call, 40163, PLAIN);
  world.logins.set(key, { value: '', expiresAtMs: call.nowMs + CODE_LIFE_MS });
  return code.split('.', 1)[0] ?? code;
}

function session(world: World, call: Call, user: string): Answer {
  const openid = openidOf(appidOf(call), user);
  const bytes = Buffer.from(word(chanceOf(call, world), SESSION_KEY_BYTES));
  const sessionKey = bytes.toString('base64');
  world.logins.set(sessionName(appidOf(call), openid), {
    value: sessionKey,
    expiresAtMs: Number.POSITIVE_INFINITY,
  });
  return jsonAnswer({ session_key: sessionKey, openid, unionid: openidOf('', user) }, { plain: true });
}

function userToken(world: World, call: Call, user: string): Answer {
  const openid = openidOf(appidOf(call), user);
  const token = issueUserToken(world, call, openid);
  const refreshToken = tokenText(chanceOf(call, world));
  world.logins.set(`refresh ${refreshToken}`, {
    value: token.value,
    expiresAtMs: call.nowMs + REFRESH_LIFE_MS,
  });
  return userTokenAnswer(token, call.nowMs, refreshToken, { unionid: openidOf('', user) });
}

/** A token that is still valid is kept and extended; a dead one is replaced. */
function refreshLogin(world: World, call: Call): Answer {
  const { query } = call;
  const appid = query.get('appid');
  const refreshToken = query.get('refresh_token');
  if (appid === null || appid === '') return refuse(world, call, 41002, PLAIN);
  const account = world.accounts.get(appid);
  if (account === undefined) return refuse(world, call, 40013, PLAIN);
  call.account = account;
  if (refreshToken === null || refreshToken === '') return refuse(world, call, 41003, PLAIN);
  if (query.get('grant_type') !== 'refresh_token') return refuse(world, call, 40002, PLAIN);
  const grant = world.logins.get(`refresh ${refreshToken}`);
  const known = grant && world.tokens.get(grant.value);
  if (grant === undefined || known?.openid === undefined || known.appid !== appid)
    return refuse(world, call, 40030, PLAIN);
  if (grant.expiresAtMs <= call.nowMs) return refuse(world, call, 42002, PLAIN);
  const live = judge(known, call.nowMs) === 'live';
  if (live) known.expiresAtMs = call.nowMs + USER_TOKEN_LIFE_MS;
  const token = live ? known : issueUserToken(world, call, known.openid);
  world.logins.set(`refresh ${refreshToken}`, { ...grant, value: token.value });
  return userTokenAnswer(token, call.nowMs, refreshToken, {});
}

function userInfo(world: World, call: Call): Answer {
  const refused = refuseUser(world, call);
  if (refused !== undefined) return refused;
  const openid = call.query.get('openid') ?? '';
  const nickname = '模拟用户';
  const region = { sex: 0, language: '', city: '', province: '', country: '' };
  return jsonAnswer(
    { openid, nickname, ...region, headimgurl: '', privilege: [], unionid: openidOf('', openid) },
    { plain: true },
  );
}

function checkLogin(world: World, call: Call): Answer {
  return refuseUser(world, call) ?? jsonAnswer({ errcode: 0, errmsg: 'ok' }, { plain: true });
}

/** An account's token is as invalid here as any other string. */
function refuseUser(world: World, call: Call): Answer | undefined {
  const value = call.query.get('access_token');
  if (value === null || value === '') return refuse(world, call, 41001, PLAIN);
  const token = world.tokens.get(value);
  if (token?.kind !== 'user')
    return refuse(world, call, 40001, {
      ...PLAIN,
      text: 'invalid credential, access_token is invalid or not latest',
    });
  const account = world.accounts.get(token.appid);
  if (account !== undefined) call.account = account;
  if (judge(token, call.nowMs) !== 'live') return refuse(world, call, 42001, PLAIN);
  const openid = call.query.get('openid');
  if (openid === null || openid === '') return refuse(world, call, 41009, PLAIN);
  return openid === token.openid ? undefined : refuse(world, call, 40003, PLAIN);
}

function issueUserToken(world: World, call: Call, openid: string): IssuedToken {
  return world.tokens.issue({
    value: tokenText(chanceOf(call, world)),
    kind: 'user',
    appid: appidOf(call),
    openid,
    issuedAtMs: call.nowMs,
    lifeMs: USER_TOKEN_LIFE_MS,
  });
}

function userTokenAnswer(token: IssuedToken, nowMs: number, refreshToken: string, more: object): Answer {
  const expiresIn = Math.floor((token.expiresAtMs - nowMs) / 1_000);
  return jsonAnswer(
    {
      access_token: token.value,
      expires_in: expiresIn,
      refresh_token: refreshToken,
      openid: token.openid,
      scope: 'snsapi_userinfo',
      ...more,
    },
    { plain: true },
  );
}

/** The key under which the session key of a user's last mini-program login is stored. */
export function sessionName(appid: string, openid: string): string {
  return `session ${appid} ${openid}`;
}

/** The same user has a different openid in every account, and one unionid (`appid` empty) in all. */
export function openidOf(appid: string, user: string): string {
  return `o${createHash('sha256').update(`${appid} ${user}`).digest('base64url').slice(0, 27)}`;
}

function appidOf(call: Call): string {
  return call.account?.settings.appid ?? '';
}

function chanceOf(call: Call, world: World): () => number {
  return call.account?.random ?? world.stream('sns');
}
