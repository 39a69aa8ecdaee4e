import type { Token } from './token.ts';

/** Why no token can be had; what a caller and an operator are told. */
export interface Unavailable {
  readonly kind: 'unavailable';
  /** The platform's own errcode where that is the cause (40125, 40164 …), else -1. */
  readonly errcode: number;
  /** One sentence for people: the cause and what to do. Holds no token and no secret. */
  readonly message: string;
}

export type TokenAnswer = { readonly kind: 'token'; readonly token: Token } | Unavailable;

/** A call that the platform refused because of its token. */
export interface Refusal {
  /** Of the token that the call carried. */
  readonly fingerprint: string;
  /** 40001, 40014 or 42001. */
  readonly errcode: number;
  /** The path of the call without its query, or a digest of it (see `reportPath`). */
  readonly path: string | undefined;
  /** Whether a call to this path succeeded with the token since the path was last reported. */
  readonly succeeded: boolean;
}

/** What became of a report. `token` is the one to use from now on. */
export type ReportAnswer =
  /** `renewed`: the report led to another token. `not_current`: there was another one already. */
  | { readonly kind: 'renewed' | 'not_current'; readonly token: Token }
  /** The platform accepts the token: the path need not be reported again for `holdMs`. */
  | { readonly kind: 'accepted' | 'held'; readonly token: Token; readonly holdMs: number }
  /** The token is refused or in doubt, and its successor cannot be fetched before `retryMs` have passed. */
  | { readonly kind: 'waiting' | 'rationed'; readonly token: Token; readonly retryMs: number }
  /** Nothing can be done about it here; another holder of the account may. */
  | Unavailable;

/**
 * Where tokens come from: the keepers in this process, or a hub. Every wait is bounded (2.5 s, since
 * common SDKs give up at 3 s); an answer is a value, never an exception.
 */
export interface TokenSource {
  /** The account's live token, asking for a first one if there is none yet. */
  token(appid: string): Promise<TokenAnswer>;
  /** Reports a refused call. */
  report(appid: string, refusal: Refusal): Promise<ReportAnswer>;
  /** The appid whose token, of now or of earlier, has this fingerprint. */
  ownerOf(fingerprint: string): string | undefined;
}

/** What every account of mode `login` has in place of a token. */
export const LOGIN_ONLY: Unavailable = {
  kind: 'unavailable',
  errcode: -1,
  message:
    'this account only logs people in (mode login) and has no access_token; name another account (x-wechat-appid), or set its mode to stable or classic',
};
