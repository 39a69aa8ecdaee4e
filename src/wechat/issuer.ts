import type { Secret } from '../base/secret.ts';
import type { Token, TokenMode } from '../token/token.ts';

/** What it takes to ask the platform for an account's token. */
export interface Credentials {
  readonly appid: string;
  readonly secret: Secret;
  readonly mode: TokenMode;
}

export interface Failure {
  readonly kind: 'failure';
  /**
   * `platform`: an errcode. `transport`: no answer. `unreadable`: an answer that makes no sense (empty, HTML,
   * 5xx). `throttled`: HTTP 429. `route`: no answer, because the way to the platform is set up wrongly.
   */
  readonly cause: 'platform' | 'transport' | 'unreadable' | 'throttled' | 'route';
  readonly errcode?: number;
  readonly rid?: string;
  /** The address that the platform saw, from the text of a 40164 or 61004. */
  readonly ip?: string;
  /** What happened, in words, without any part of the request. */
  readonly detail: string;
}

export type FetchOutcome =
  { readonly kind: 'token'; readonly value: Secret; readonly expiresInMs: number } | Failure;

/** Whether the platform takes a token, tried with GET /cgi-bin/get_api_domain_ip. */
export type ProbeOutcome =
  { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly errcode: number } | Failure;

export interface Issuer {
  /** `force` is the stable endpoint's force_refresh: it kills the current token, and is rationed (20 a day, 30 s apart). */
  fetch(app: Credentials, force: boolean): Promise<FetchOutcome>;
  probe(token: Token): Promise<ProbeOutcome>;
}
