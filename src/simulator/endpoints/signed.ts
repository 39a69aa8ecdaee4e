import { jsonAnswer, OK } from '../answer.ts';
import type { Answer } from '../answer.ts';
import { refuse } from '../refuse.ts';
import { paySignature, sameText, userSignature, verifyApiSignature } from '../signature.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { jsonObject } from './json-body.ts';
import { sessionName } from './sns.ts';

/** Calls whose body is signed: with the AppKey (`pay_sig`), with a user's session key (`signature`), or both. */
export const SIGNED_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  ...signed(['/xpay/query_user_balance', '/xpay/currency_pay', '/xpay/cancel_currency_pay'], 'both'),
  ...signed(['/wxa/game/getbalance', '/wxa/game/pay', '/wxa/game/cancelpay'], 'both'),
  ...signed(
    ['/xpay/query_order', '/xpay/notify_provide_goods', '/xpay/present_currency', '/xpay/download_bill'],
    'pay',
  ),
  ...signed(['/wxa/set_user_storage', '/wxa/remove_user_storage', '/wxa/setuserinteractivedata'], 'session'),
  ...signed(['/wxa/business/getuserencryptkey'], 'session'),
  ...signed(['/wxa/checksession', '/wxa/resetusersessionkey'], 'session', 'GET'),
};

type By = 'pay' | 'session' | 'both';

function signed(paths: readonly string[], by: By, method: 'GET' | 'POST' = 'POST'): Record<string, Endpoint> {
  const answer = (world: World, call: Call): Answer => refuseUnsigned(world, call, by) ?? success(call);
  return Object.fromEntries(paths.map((path) => [path, { method, token: 'app', answer }]));
}

function refuseUnsigned(world: World, call: Call, by: By): Answer | undefined {
  const body = call.body.bytes ?? Buffer.alloc(0);
  const { settings } = call.account ?? {};
  if (by !== 'session') {
    const right = paySignature(settings?.payKey ?? '', call.path, body);
    if (!sameText(right, call.query.get('pay_sig') ?? '')) return refuse(world, call, 268490003);
  }
  if (by === 'pay') return undefined;
  const openid = call.query.get('openid') ?? jsonObject(call)?.openid;
  const key = world.logins.get(sessionName(settings?.appid ?? '', typeof openid === 'string' ? openid : ''));
  const right = key && userSignature(key.value, body);
  if (right !== undefined && sameText(right, call.query.get('signature') ?? '')) return undefined;
  return refuse(world, call, by === 'both' ? 90011 : 87009);
}

function success(call: Call): Answer {
  if (call.path.endsWith('balance'))
    return jsonAnswer({ errcode: 0, errmsg: 'ok', balance: 100, present_balance: 0 });
  return OK;
}

/** The window around now in which a signed call counts. */
const WINDOW_MS = 300_000;

/**
 * The optional signature of whole API calls, for those that carry a Wechatmp-Signature. It covers a
 * full URL, which is the platform's own however the call travelled.
 */
export function refuseApiSignature(world: World, call: Call): Answer | undefined {
  const signature = headerOf(call, 'wechatmp-signature');
  if (signature === undefined || call.account === undefined) return undefined;
  const { appid, signKeyPem } = call.account.settings;
  const named = headerOf(call, 'wechatmp-appid');
  const timestamp = headerOf(call, 'wechatmp-timestamp');
  if (timestamp === undefined) return refuse(world, call, 40231);
  if (signature === '') return refuse(world, call, 40232);
  if (named === undefined) return refuse(world, call, 40233);
  if (named !== appid) return refuse(world, call, 40237);
  if (signKeyPem === '') return refuse(world, call, 40239);
  if (!(Math.abs(call.nowMs - Number(timestamp) * 1_000) <= WINDOW_MS)) return refuse(world, call, 40240);
  const body = call.body.bytes ?? Buffer.alloc(0);
  const good = world.knobs.signedOrigins.some((origin) =>
    verifyApiSignature(signKeyPem, { url: origin + call.path, appid, timestamp, body, signature }),
  );
  return good ? undefined : refuse(world, call, 40234);
}

function headerOf(call: Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
