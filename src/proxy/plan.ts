import type { PathKind } from '../wechat/path.ts';
import { mayNameToken, type RawQuery, valuesOf, withoutParam } from '../wechat/query.ts';
import { isAppid } from '../wechat/appid.ts';
import type { Target } from './gate.ts';
import { type OwnerOf, readTokens } from './sent-tokens.ts';

export interface PlanRules {
  readonly defaultApp: string | undefined;
  /** Why the default account is not known yet, in words, if the hub has not sent it. */
  readonly defaultAppUnknown?: string | undefined;
  readonly foreignTokens: 'pass' | 'replace' | 'reject';
}

/** What to do with a call that the gate admitted. `query` excludes the parameters meant for the sidecar. */
export type Plan =
  | {
      readonly kind: 'refused';
      readonly reason: 'bad_request' | 'foreign_token' | 'unknown_app' | 'token_unavailable';
      readonly message: string;
    }
  /** A token endpoint: answered locally. */
  | { readonly kind: 'token'; readonly endpoint: 'token' | 'stable_token' }
  /** A call that carries the AppSecret. */
  | {
      readonly kind: 'secret';
      readonly appid: string;
      readonly path: string;
      readonly secretParam: string;
      readonly query: RawQuery;
    }
  /** A page signature: answered locally. */
  | { readonly kind: 'signature'; readonly appid: string; readonly query: RawQuery }
  /** Passes through with the token it has, foreign or none; `appid` is set if it names an account. */
  | {
      readonly kind: 'pass';
      readonly appid: string | undefined;
      readonly query: RawQuery;
      readonly foreign: boolean;
    }
  /** Gets our token. `standIn`: the caller sent a stand-in token. `bare`: its query has no token. */
  | {
      readonly kind: 'inject';
      readonly appid: string;
      readonly query: RawQuery;
      readonly standIn: boolean;
      readonly bare: boolean;
    };

/**
 * Decides which account a call belongs to and which token it carries.
 *
 * `appidHeaders` are the values of x-wechat-appid; `ownerOf` returns the account whose current or earlier token has a
 * fingerprint.
 */
export function planCall(
  target: Pick<Target, 'path' | 'query' | 'kind'>,
  appidHeaders: readonly string[],
  ownerOf: OwnerOf,
  rules: PlanRules,
): Plan {
  const [fromHeader, ...others] =
    appidHeaders.length === 0
      ? appidHeaders
      : appidHeaders.map((value) => value.trim()).filter((value) => value !== '');
  if (others.some((each) => each !== fromHeader))
    return refused('bad_request', 'the header x-wechat-appid names more than one account');
  const { kind } = target;
  // The usual call names no token, and an account in its header only.
  if (kind.kind === 'ordinary' && !mayNameToken(target.query)) {
    const appid = fromHeader ?? rules.defaultApp;
    if (appid === undefined) return noAccount(rules);
    return isAppid(appid)
      ? { kind: 'inject', appid, query: target.query, standIn: false, bare: true }
      : NO_APPID;
  }
  const [fromQuery] = givenValues(target.query, 'from_appid');
  if (kind.kind === 'token') return { kind: 'token', endpoint: kind.endpoint };
  if (kind.kind === 'wecom') return WECOM;
  const sent = readTokens(withoutParam(target.query, 'from_appid'), ownerOf);
  const appid = fromHeader ?? sent.owner ?? fromQuery ?? rules.defaultApp;
  if (kind.kind === 'sidecar') return planOwn(target, appid, rules);
  const getsOurs = kind.kind === 'ordinary' && !sent.hasOther;
  const hasForeign = !isUsersOwn(kind) && sent.hasForeign && !(getsOurs && sent.hasOurs);
  if (hasForeign && rules.foreignTokens === 'reject') return FOREIGN;
  if (getsOurs && !(hasForeign && rules.foreignTokens === 'pass')) {
    if (appid === undefined) return noAccount(rules);
    const { query, hasStandIn: standIn } = sent;
    return isAppid(appid) ? { kind: 'inject', appid, query, standIn, bare: false } : NO_APPID;
  }

  const query = sent.without(hasForeign && rules.foreignTokens === 'replace');
  if (kind.kind !== 'secret') return pass(appid, query, hasForeign && getsOurs);
  const account = givenValues(query, 'appid')[0] ?? appid;
  if (account === undefined) return noAccount(rules);
  const { path, secretParam } = kind;
  return isAppid(account) ? { kind: 'secret', appid: account, path, secretParam, query } : NO_APPID;
}

function planOwn(
  { path, query }: Pick<Target, 'path' | 'query'>,
  appid: string | undefined,
  rules: PlanRules,
): Plan {
  if (path !== SIGNATURE_PATH)
    return refused('bad_request', `the sidecar has nothing here but ${SIGNATURE_PATH}`);
  if (appid === undefined) return noAccount(rules);
  return isAppid(appid) ? { kind: 'signature', appid, query } : NO_APPID;
}

const SIGNATURE_PATH = '/__sidecar/jssdk-signature';

/** On /sns/* the access_token is a user's, which no keeper manages. */
function isUsersOwn(kind: PathKind): boolean {
  return kind.kind === 'user' || (kind.kind === 'secret' && kind.path.startsWith('/sns/'));
}

function pass(appid: string | undefined, query: RawQuery, foreign: boolean): Plan {
  return appid === undefined || isAppid(appid) ? { kind: 'pass', appid, query, foreign } : NO_APPID;
}

/** An empty value counts as none. */
function givenValues(query: RawQuery, name: string): string[] {
  return valuesOf(query, name).filter((value) => value.trim() !== '');
}

const FOREIGN = refused(
  'foreign_token',
  'the access_token in this call is none of ours; leave it out, or see WECHAT_SIDECAR_FOREIGN_TOKENS',
);
const WECOM = refused(
  'unknown_app',
  'this is a call of WeCom (企业微信), which wechat-sidecar does not serve; send it to https://qyapi.weixin.qq.com directly',
);
const NO_APPID = refused('unknown_app', 'the call names an account by something other than an appid');

function noAccount({ defaultAppUnknown }: PlanRules): Plan {
  if (defaultAppUnknown !== undefined) return refused('token_unavailable', defaultAppUnknown);
  return refused(
    'unknown_app',
    'this call names no account and there is no default one; send the header x-wechat-appid or set WECHAT_SIDECAR_DEFAULT_APP',
  );
}

function refused(reason: Extract<Plan, { kind: 'refused' }>['reason'], message: string): Plan {
  return { kind: 'refused', reason, message };
}
