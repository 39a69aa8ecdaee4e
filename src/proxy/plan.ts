import { fingerprintOf } from '../base/secret.ts';
import { kindOfPath, OTHER_TOKEN_PARAMS } from '../wechat/path.ts';
import { type RawQuery, valuesOf, withoutParam } from '../wechat/query.ts';
import { accountOfStandIn, isAppid } from '../wechat/stand-in.ts';
import type { Target } from './gate.ts';

export interface PlanRules {
  readonly defaultApp: string | undefined;
  /** Why the default account is not known yet, in words, where a hub is still to tell it. */
  readonly defaultAppUnknown?: string | undefined;
  readonly foreignTokens: 'pass' | 'replace' | 'reject';
}

/** What is to be done with a call that the gate let in. `query` is less what was meant for us. */
export type Plan =
  | {
      readonly kind: 'refused';
      readonly reason: 'bad_request' | 'foreign_token' | 'unknown_app' | 'token_unavailable';
      readonly message: string;
    }
  /** A token endpoint: answered here. */
  | { readonly kind: 'token'; readonly endpoint: 'token' | 'stable_token' }
  /** A call that carries the AppSecret. */
  | {
      readonly kind: 'secret';
      readonly appid: string;
      readonly secretParam: string;
      readonly query: RawQuery;
    }
  /** Passes through with whatever token it has, a foreign one or none; `appid` where it names an account. */
  | {
      readonly kind: 'pass';
      readonly appid: string | undefined;
      readonly query: RawQuery;
      readonly foreign: boolean;
    }
  /** Gets our token. `standIn` tells that the caller sent a stand-in token. */
  | { readonly kind: 'inject'; readonly appid: string; readonly query: RawQuery; readonly standIn: boolean };

/**
 * Decides whose call it is and which token it carries.
 *
 * `appidHeaders` are the values of x-wechat-appid; `ownerOf` gives the account whose token, of now or
 * of earlier, has a fingerprint.
 */
export function planCall(
  target: Target,
  appidHeaders: readonly string[],
  ownerOf: (fingerprint: string) => string | undefined,
  rules: PlanRules,
): Plan {
  const named = new Set(appidHeaders.map((value) => value.trim()).filter((value) => value !== ''));
  if (named.size > 1) return refused('bad_request', 'the header x-wechat-appid names more than one account');
  const [fromHeader] = named;
  const [fromQuery] = givenValues(target.query, 'from_appid');
  const query = withoutParam(target.query, 'from_appid');
  const other = fromQuery ?? rules.defaultApp;

  const kind = kindOfPath(target.path);
  if (kind.kind === 'token') return { kind: 'token', endpoint: kind.endpoint };
  if (kind.kind === 'secret') {
    const [inQuery] = givenValues(query, 'appid');
    const appid = inQuery ?? fromHeader ?? other;
    if (appid === undefined) return noAccount(rules);
    return isAppid(appid) ? { kind: 'secret', appid, secretParam: kind.secretParam, query } : NO_APPID;
  }
  const hasOtherToken = OTHER_TOKEN_PARAMS.some((name) => givenValues(query, name).length > 0);
  if (kind.kind === 'tokenless' || hasOtherToken) return pass(fromHeader ?? other, query, false);

  const sent = readTokens(givenValues(query, 'access_token'), ownerOf);
  if (sent.kind === 'foreign' && rules.foreignTokens === 'reject') {
    return refused(
      'foreign_token',
      'the access_token in this call is none of ours; leave it out, or see WECHAT_SIDECAR_FOREIGN_TOKENS',
    );
  }
  if (sent.kind === 'foreign' && rules.foreignTokens === 'pass') {
    return pass(fromHeader ?? other, query, true);
  }
  const appid = fromHeader ?? sent.owner ?? other;
  if (appid === undefined) return noAccount(rules);
  return isAppid(appid) ? { kind: 'inject', appid, query, standIn: sent.kind === 'stand-in' } : NO_APPID;
}

function pass(appid: string | undefined, query: RawQuery, foreign: boolean): Plan {
  return appid === undefined || isAppid(appid) ? { kind: 'pass', appid, query, foreign } : NO_APPID;
}

/** An empty value is as good as none. */
function givenValues(query: RawQuery, name: string): string[] {
  return valuesOf(query, name).filter((value) => value.trim() !== '');
}

interface SentTokens {
  readonly kind: 'none' | 'stand-in' | 'managed' | 'foreign';
  /** The account that the token names. */
  readonly owner: string | undefined;
}

/** A token of ours among several makes all of them ours: the call is to carry exactly one. */
function readTokens(
  given: readonly string[],
  ownerOf: (fingerprint: string) => string | undefined,
): SentTokens {
  for (const value of given) {
    const owner = accountOfStandIn(value);
    if (owner !== undefined) return { kind: 'stand-in', owner };
  }
  // Some SDKs send more than the token (`n=TOKEN`), so each run of token characters is looked at.
  for (const piece of given.flatMap((value) => value.match(/[\w.~-]{16,}/g) ?? [])) {
    const owner = ownerOf(fingerprintOf(piece));
    if (owner !== undefined) return { kind: 'managed', owner };
  }
  return { kind: given.length === 0 ? 'none' : 'foreign', owner: undefined };
}

const NO_APPID = refused('unknown_app', 'the call names an account by something that is no appid');

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
