import { type Account, dayOf } from '../accounts.ts';
import { type Answer, jsonAnswer } from '../answer.ts';
import { refuse } from '../refuse.ts';
import type { IssuedToken } from '../tokens.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { enterWithSecret } from './secret-call.ts';
import { jsonObject } from './json-body.ts';

/** The two token endpoints. Their tokens are independent: an account has one of each kind. */
export const TOKEN_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/cgi-bin/token': { method: 'GET', token: 'own', answer: classicToken },
  '/cgi-bin/stable_token': { method: 'POST', token: 'own', answer: stableToken },
};

/** Each call creates a new token; the previous one works for the overlap. */
function classicToken(world: World, call: Call): Answer {
  const { query } = call;
  const named = world.accounts.get(query.get('appid') ?? '');
  if (named !== undefined) named.counters.classicFetches += 1;
  const missing = query.has('appid') && query.has('secret');
  if (missing && query.get('grant_type') !== 'client_credential') return refuse(world, call, 40002);
  const entry = enterWithSecret(world, call, { appid: query.get('appid'), secret: query.get('secret') });
  if (entry.kind === 'refused') return entry.answer;
  const { account } = entry;
  if (account.settings.component) return refuse(world, call, 61024);
  account.counters.tokensIssued += 1;
  const token = world.issue(account, 'classic', call.nowMs, account.settings.overlapMs);
  return tokenAnswer(token, call.nowMs);
}

/** Only a JSON body counts: parameters in the query or a form count as missing. */
function stableToken(world: World, call: Call): Answer {
  const given = jsonObject(call) ?? {};
  const appid = textOf(given.appid);
  const force = given.force_refresh === true;
  const named = world.accounts.get(appid ?? '');
  if (named !== undefined) named.counters[force ? 'forcedFetches' : 'stableFetches'] += 1;
  if (appid !== undefined && given.secret !== undefined && given.grant_type !== 'client_credential') {
    return refuse(world, call, 40002);
  }
  const entry = enterWithSecret(world, call, { appid, secret: textOf(given.secret) });
  if (entry.kind === 'refused') return entry.answer;
  const { account } = entry;
  if (account.settings.component) return refuse(world, call, 61024);
  return force ? forced(world, call, account) : tokenAnswer(normal(world, account, call.nowMs), call.nowMs);
}

/**
 * Returns the current token while it has life left; in its last minutes a new one, and the old one lives to
 * its own end. A revoked token is returned again: only expiry or force replaces it.
 */
function normal(world: World, account: Account, nowMs: number): IssuedToken {
  const { current } = account.families.stable;
  if (current !== undefined && current.expiresAtMs - nowMs > account.settings.rotateBeforeMs) return current;
  account.counters.tokensIssued += 1;
  return world.issue(account, 'stable', nowMs);
}

function forced(world: World, call: Call, account: Account): Answer {
  const { settings, families } = account;
  const { nowMs } = call;
  if (families.stable.current !== undefined && nowMs - account.lastForceAtMs < settings.forceGapMs) {
    if (world.knobs.forceTooSoon !== 0) return refuse(world, call, world.knobs.forceTooSoon);
    return tokenAnswer(families.stable.current, nowMs);
  }
  const day = dayOf(nowMs);
  if (account.forces.day !== day) account.forces = { day, count: 0 };
  if (account.forces.count >= settings.forcePerDay) return refuse(world, call, world.knobs.forceOverQuota);
  account.forces.count += 1;
  account.lastForceAtMs = nowMs;
  account.counters.tokensIssued += 1;
  return tokenAnswer(world.issue(account, 'stable', nowMs, settings.forceGraceMs), nowMs);
}

/** Without errcode and errmsg, as these two endpoints respond. */
function tokenAnswer(token: IssuedToken, nowMs: number): Answer {
  const leftMs = Math.max(token.expiresAtMs - nowMs, 0);
  return jsonAnswer({ access_token: token.value, expires_in: Math.floor(leftMs / 1_000) });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
