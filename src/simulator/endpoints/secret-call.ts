import { type Account, charge, mayUseSecret } from '../accounts.ts';
import type { Answer } from '../answer.ts';
import { type RefusalShape, refuse } from '../refuse.ts';
import type { Call, World } from '../world.ts';

export interface Presented {
  readonly appid: string | null | undefined;
  readonly secret: string | null | undefined;
}

export type Entry =
  | { readonly kind: 'account'; readonly account: Account }
  | { readonly kind: 'refused'; readonly answer: Answer };

/** The checks of every call that carries an AppSecret: appid, secret, frozen, IP, quota. */
export function enterWithSecret(
  world: World,
  call: Call,
  presented: Presented,
  shape: RefusalShape = {},
): Entry {
  const refused = (errcode: number, text?: string): Entry => ({
    kind: 'refused',
    answer: refuse(world, call, errcode, { ...shape, ...(text !== undefined && { text }) }),
  });
  const { appid, secret } = presented;
  if (typeof appid !== 'string' || appid === '') return refused(41002);
  const account = world.accounts.get(appid);
  if (account !== undefined) call.account = account;
  if (typeof secret !== 'string' || secret === '') return refused(41004);
  if (account === undefined) return refused(40013);
  if (secret !== account.settings.secret) return wrongSecret(world, call, shape);
  if (account.settings.frozen) return refused(40243);
  if (!mayUseSecret(account.settings, call.ip)) {
    const ipv6 = call.ip.includes(':') ? call.ip : `::ffff:${call.ip}`;
    return refused(40164, `invalid ip ${call.ip} ipv6 ${ipv6}, not in whitelist`);
  }
  const over = charge(account, call.path, call.nowMs);
  if (over === 45009 && call.path === '/cgi-bin/token') return refused(45009, DAILY_TOKEN_TEXT);
  return over === undefined ? { kind: 'account', account } : refused(over);
}

const DAILY_TOKEN_TEXT =
  'reach max api daily quota limit, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r';

function wrongSecret(world: World, call: Call, shape: RefusalShape): Entry {
  const answer = refuse(world, call, world.knobs.wrongSecret, { ridStyle: 'comma', ...shape });
  return { kind: 'refused', answer };
}
