import { isObject } from '../../base/json.ts';
import { type Account, monthOf, quotaOf, usageOf } from '../accounts.ts';
import { type Answer, jsonAnswer, OK } from '../answer.ts';
import { refuse } from '../refuse.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { jsonObject } from './json-body.ts';
import { enterWithSecret } from './secret-call.ts';

/** Addresses, quotas, and lookups of failed requests. */
export const OPENAPI_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/cgi-bin/get_api_domain_ip': { method: 'GET', token: 'app', answer: apiDomainIp },
  '/cgi-bin/getcallbackip': { method: 'GET', token: 'app', answer: () => CALLBACK_IPS },
  '/cgi-bin/callback/check': { method: 'POST', token: 'app', answer: callbackCheck },
  '/cgi-bin/clear_quota': { method: 'POST', token: 'app', answer: clearQuota },
  '/cgi-bin/clear_quota/v2': { method: 'POST', token: 'own', answer: clearQuotaBySecret },
  '/cgi-bin/openapi/quota/get': { method: 'POST', token: 'app', answer: quotaGet },
  '/cgi-bin/openapi/quota/clear': { method: 'POST', token: 'app', answer: quotaClear },
  '/cgi-bin/openapi/rid/get': { method: 'POST', token: 'app', answer: ridGet },
};

/** Addresses reserved for documentation, so that nobody connects to a real host. */
const API_IPS = jsonAnswer({ ip_list: ['203.0.113.10', '203.0.113.11', '203.0.113.12'] });
const CALLBACK_IPS = jsonAnswer({ ip_list: ['198.51.100.20', '198.51.100.21', '198.51.100.0/25'] });
const RID_KEPT_MS = 7 * 86_400_000;

function apiDomainIp(_world: World, call: Call): Answer {
  if (call.account !== undefined) call.account.counters.getApiDomainIpCalls += 1;
  return API_IPS;
}

function callbackCheck(world: World, call: Call): Answer {
  const { action, check_operator: operator } = jsonObject(call) ?? {};
  if (!['dns', 'ping', 'all'].includes(String(action))) return refuse(world, call, 40201);
  if (!['CHINANET', 'UNICOM', 'CAP', 'DEFAULT'].includes(String(operator))) return refuse(world, call, 40202);
  const dns = [{ ip: '198.51.100.80', real_operator: 'UNICOM' }];
  const ping = [{ ip: '198.51.100.80', from_operator: operator, package_loss: '0%', time: '23.079ms' }];
  return jsonAnswer({ ...(action !== 'ping' && { dns }), ...(action !== 'dns' && { ping }) });
}

function clearQuota(world: World, call: Call): Answer {
  const given = jsonObject(call);
  if (given === undefined) return refuse(world, call, call.body.lengthBytes === 0 ? 44002 : 47001);
  if (call.account === undefined || given.appid !== call.account.settings.appid)
    return refuse(world, call, 40013);
  return clearAll(world, call, call.account);
}

/** The documentation shows the parameters once in the query and once in the body: both work. */
function clearQuotaBySecret(world: World, call: Call): Answer {
  const given = jsonObject(call) ?? {};
  const pick = (name: string): string | null => {
    const inBody = given[name];
    return call.query.get(name) ?? (typeof inBody === 'string' ? inBody : null);
  };
  const entry = enterWithSecret(world, call, { appid: pick('appid'), secret: pick('appsecret') });
  return entry.kind === 'refused' ? entry.answer : clearAll(world, call, entry.account);
}

/** Clears the usage of `of`, which counts as one of `account`'s clears of the month. */
export function clearAll(world: World, call: Call, account: Account, of: Account = account): Answer {
  const month = monthOf(call.nowMs);
  if (account.clears.month !== month) account.clears = { month, count: 0 };
  if (account.clears.count >= account.settings.clearsPerMonth) return refuse(world, call, 48006);
  account.clears.count += 1;
  of.usage.clear();
  return OK;
}

/** The path that quota/get and quota/clear are asked about, or the refusal. */
function askedPath(world: World, call: Call): { readonly path: string } | { readonly refused: Answer } {
  const path = jsonObject(call)?.cgi_path;
  if (typeof path !== 'string' || !path.startsWith('/'))
    return { refused: refuse(world, call, 76003, { text: 'cgi_path is error' }) };
  if (path.startsWith('/sns/')) return { refused: refuse(world, call, 76022) };
  if (!world.endpoints.has(path)) return { refused: refuse(world, call, 76021) };
  return { path };
}

function quotaGet(world: World, call: Call): Answer {
  const asked = askedPath(world, call);
  if ('refused' in asked) return asked.refused;
  const { account } = call;
  if (account === undefined) return refuse(world, call, 76022);
  const { perDay, perMinute } = quotaOf(account, asked.path);
  const usage = usageOf(account, asked.path, call.nowMs);
  const limit = perDay ?? 0;
  return jsonAnswer({
    errcode: 0,
    errmsg: 'ok',
    quota: { daily_limit: limit, used: usage.inDay, remain: Math.max(limit - usage.inDay, 0) },
    ...(perMinute !== undefined && { rate_limit: { call_count: perMinute, refresh_second: 60 } }),
  });
}

function quotaClear(world: World, call: Call): Answer {
  const asked = askedPath(world, call);
  if ('refused' in asked) return asked.refused;
  call.account?.usage.delete(asked.path);
  return OK;
}

function ridGet(world: World, call: Call): Answer {
  const given = jsonObject(call);
  const rid = isObject(given) ? given.rid : undefined;
  if (typeof rid !== 'string' || !/^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/.test(rid))
    return refuse(world, call, 76002);
  const record = world.ridRecords.get(rid);
  if (record === undefined || call.nowMs - record.atMs > RID_KEPT_MS) return refuse(world, call, 76001);
  if (record.appid !== call.account?.settings.appid) return refuse(world, call, 76003);
  return jsonAnswer({
    errcode: 0,
    errmsg: 'ok',
    request: {
      invoke_time: Math.floor(record.atMs / 1_000),
      cost_in_ms: 1,
      request_url: record.query,
      request_body: record.body,
      response_body: record.response,
      client_ip: record.ip,
    },
  });
}
