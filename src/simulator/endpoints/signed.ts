import type { Answer } from '../answer.ts';
import { DOCUMENTED_ENDPOINTS } from '../documented/table.ts';
import { refuse } from '../refuse.ts';
import { paySignature, sameText, userSignature, verifyApiSignature } from '../signature.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { jsonObject } from './json-body.ts';
import { sessionName } from './sns.ts';

const BOTH = [
  '/xpay/query_user_balance',
  '/xpay/currency_pay',
  '/xpay/cancel_currency_pay',
  '/wxa/game/getbalance',
  '/wxa/game/pay',
  '/wxa/game/cancelpay',
];
const BY_PAY = Object.keys(DOCUMENTED_ENDPOINTS).filter(
  (path) => path.startsWith('/xpay/') && !BOTH.includes(path),
);

/**
 * Calls with a signed body: with the AppKey (`pay_sig`), with a user's session key (`signature`), or both.
 * If the signatures are right, responses have the documented shape.
 */
export const SIGNED_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  ...signed(BOTH, 'both'),
  ...signed(BY_PAY, 'pay'),
  ...signed(['/wxa/set_user_storage', '/wxa/remove_user_storage', '/wxa/setuserinteractivedata'], 'session'),
  ...signed(['/wxa/business/getuserencryptkey'], 'session'),
  ...signed(['/wxa/checksession', '/wxa/resetusersessionkey'], 'session'),
};

type By = 'pay' | 'session' | 'both';

function signed(paths: readonly string[], by: By): Record<string, Endpoint> {
  const entries = paths.map((path) => {
    const documented = DOCUMENTED_ENDPOINTS[path];
    if (documented === undefined) throw new Error(`Cannot sign ${path}: no table has its shape`);
    const answer: Endpoint['answer'] = (world, call) =>
      refuseUnsigned(world, call, by) ?? documented.answer(world, call);
    return [path, { ...documented, answer }] as const;
  });
  return Object.fromEntries(entries);
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

/** The maximum clock difference of a signed call. */
const WINDOW_MS = 300_000;

/**
 * The optional signature of a whole API call, checked if it has a Wechatmp-Signature. It covers a full URL,
 * which is the platform's own whatever route the call took.
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
