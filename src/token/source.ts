import type { Token } from './token.ts';

/** Why no token is available; shown to callers and operators. */
export interface Unavailable {
  readonly kind: 'unavailable';
  /** The platform's errcode if that is the cause (40125, 40164 …), else -1. */
  readonly errcode: number;
  /** For people: the cause and what to do. Contains no token and no secret. */
  readonly message: string;
}

export type TokenAnswer = { readonly kind: 'token'; readonly token: Token } | Unavailable;

/** A request that the platform refused because of its token. */
export interface Refusal {
  /** The fingerprint of the token in that request. */
  readonly fingerprint: string;
  /** 40001, 40014 or 42001. */
  readonly errcode: number;
  /** The path of the request without its query, or a digest of it (see `reportPath`). */
  readonly path: string | undefined;
  /** Whether a request to this path succeeded with the token since the path was last reported. */
  readonly succeeded: boolean;
}

/** The outcome of a report. `token` is the one to use from now on. */
export type ReportAnswer =
  /** `renewed`: the report led to another token. `not_current`: it had been replaced already. */
  | { readonly kind: 'renewed' | 'not_current'; readonly token: Token }
  /** The platform accepts the token: the path need not be reported again for `holdMs`. */
  | { readonly kind: 'accepted' | 'held'; readonly token: Token; readonly holdMs: number }
  /** The token is refused or in doubt, and its successor cannot be fetched for `retryMs`. */
  | { readonly kind: 'waiting' | 'rationed'; readonly token: Token; readonly retryMs: number }
  /** This process cannot help; another owner of the account may be able to. */
  | Unavailable;

/**
 * Where tokens come from: the keepers in this process, or a hub. Every wait is limited (2.5 s, because
 * common SDKs time out at 3 s); failures are returned, never thrown.
 */
export interface TokenSource {
  /** Returns the account's live token; fetches one if there is none yet. */
  token(appid: string): Promise<TokenAnswer>;
  /** Reports a refused request. */
  report(appid: string, refusal: Refusal): Promise<ReportAnswer>;
  /** The appid whose current or former token has this fingerprint. */
  ownerOf(fingerprint: string): string | undefined;
}

/** What `/status` says of such an account's token. */
export const LOGIN_ONLY_NEXT = 'nothing to do: this account only logs people in, and has no token';

/** The result for every account of mode `login`, which has no token. */
export const LOGIN_ONLY: Unavailable = {
  kind: 'unavailable',
  errcode: -1,
  message:
    'this account only logs people in (mode login) and has no access_token; name another account (x-wechat-appid), or set its mode to stable or classic',
};
