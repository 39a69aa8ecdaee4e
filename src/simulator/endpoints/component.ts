import { type Answer, jsonAnswer, OK } from '../answer.ts';
import { refuse } from '../refuse.ts';
import { word } from '../tokens.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { jsonObject } from './json-body.ts';
import { clearAll } from './openapi.ts';
import { enterWithSecret } from './secret-call.ts';

/**
 * The minimum of a third-party platform: its token, and tokens of accounts that authorised it. Every other
 * account counts as having authorised it, with the code `queryauthcode@@@<appid>`.
 */
export const COMPONENT_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/cgi-bin/component/api_start_push_ticket': { method: 'POST', token: 'own', answer: startPush },
  '/cgi-bin/component/api_component_token': { method: 'POST', token: 'own', answer: componentToken },
  '/cgi-bin/component/clear_quota/v2': { method: 'POST', token: 'own', answer: clearQuota },
  '/cgi-bin/component/api_create_preauthcode': { method: 'POST', token: 'component', answer: preauthCode },
  '/cgi-bin/component/api_query_auth': { method: 'POST', token: 'component', answer: queryAuth },
  '/cgi-bin/component/api_authorizer_token': { method: 'POST', token: 'component', answer: authorizerToken },
  '/cgi-bin/component/api_get_authorizer_list': {
    method: 'POST',
    token: 'component',
    answer: authorizerList,
  },
};

const PREAUTH_LIFE_SECONDS = 1_800;
const TICKET_PREFIX = 'ticket@@@';
const CODE_PREFIX = 'queryauthcode@@@';
const REFRESH_PREFIX = 'refreshtoken@@@';

function startPush(world: World, call: Call): Answer {
  const given = texts(call);
  const entry = enterWithSecret(world, call, {
    appid: given('component_appid'),
    secret: given('component_secret'),
  });
  return entry.kind === 'refused' ? entry.answer : OK;
}

/** Any ticket of the right form is accepted: nothing is pushed. */
function componentToken(world: World, call: Call): Answer {
  const given = texts(call);
  const entry = enterWithSecret(world, call, {
    appid: given('component_appid'),
    secret: given('component_appsecret'),
  });
  if (entry.kind === 'refused') return entry.answer;
  if (!entry.account.settings.component) return refuse(world, call, 48001);
  const ticket = given('component_verify_ticket');
  if (ticket === undefined) return refuse(world, call, 41018);
  if (!ticket.startsWith(TICKET_PREFIX)) return refuse(world, call, 61006);
  const token = world.issue(entry.account, 'component', call.nowMs, entry.account.settings.overlapMs);
  return jsonAnswer({
    component_access_token: token.value,
    expires_in: secondsOf(entry.account.settings.tokenLifeMs),
  });
}

/** For the platform itself, or for the account that is named in addition. */
function clearQuota(world: World, call: Call): Answer {
  const given = texts(call);
  const entry = enterWithSecret(world, call, {
    appid: given('component_appid'),
    secret: given('appsecret'),
  });
  if (entry.kind === 'refused') return entry.answer;
  const appid = given('appid');
  const of = appid === undefined ? entry.account : world.accounts.get(appid);
  return of === undefined ? refuse(world, call, 40013) : clearAll(world, call, entry.account, of);
}

function preauthCode(world: World, call: Call): Answer {
  const random = call.account?.random ?? world.stream('preauth');
  return jsonAnswer({ pre_auth_code: `preauthcode@@@${word(random, 80)}`, expires_in: PREAUTH_LIFE_SECONDS });
}

function queryAuth(world: World, call: Call): Answer {
  const code = texts(call)('authorization_code') ?? '';
  const made = code.startsWith(CODE_PREFIX)
    ? authorize(world, call, code.slice(CODE_PREFIX.length))
    : undefined;
  return made === undefined
    ? refuse(world, call, 61009)
    : jsonAnswer({ authorization_info: { ...made, func_info: [] } });
}

function authorizerToken(world: World, call: Call): Answer {
  const given = texts(call);
  const appid = given('authorizer_appid') ?? '';
  if (!world.accounts.has(appid)) return refuse(world, call, 61003);
  if (given('authorizer_refresh_token') !== refreshTokenOf(appid)) return refuse(world, call, 61023);
  const made = authorize(world, call, appid);
  if (made === undefined) return refuse(world, call, 61003);
  const { authorizer_appid: _appid, ...rest } = made;
  return jsonAnswer(rest);
}

function authorizerList(world: World): Answer {
  const list = [...world.accounts.values()]
    .filter(({ settings }) => !settings.component)
    .map(({ settings }) => ({
      authorizer_appid: settings.appid,
      refresh_token: refreshTokenOf(settings.appid),
      auth_time: 0,
    }));
  return jsonAnswer({ total_count: list.length, list });
}

function authorize(world: World, call: Call, appid: string) {
  const account = world.accounts.get(appid);
  if (account === undefined || account.settings.component) return undefined;
  const token = world.issue(account, 'authorizer', call.nowMs, account.settings.overlapMs);
  return {
    authorizer_appid: appid,
    authorizer_access_token: token.value,
    expires_in: secondsOf(account.settings.tokenLifeMs),
    authorizer_refresh_token: refreshTokenOf(appid),
  };
}

/** It stays the same until an account withdraws its authorisation, which is not simulated. */
function refreshTokenOf(appid: string): string {
  return `${REFRESH_PREFIX}${appid}`;
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

function texts(call: Call): (name: string) => string | undefined {
  const given = jsonObject(call) ?? {};
  return (name) => {
    const value = given[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
}
