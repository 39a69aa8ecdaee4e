import type { Secret } from '../base/secret.ts';
import type { Token, TokenMode } from '../token/token.ts';

/** What a request for an account's token needs. */
export interface Credentials {
  readonly appid: string;
  readonly secret: Secret;
  readonly mode: TokenMode;
}

export interface Failure {
  readonly kind: 'failure';
  /**
   * `platform`: an errcode. `transport`: no response. `unreadable`: an unusable response (empty, HTML, 5xx).
   * `throttled`: HTTP 429. `route`: no response, because the route to the platform is misconfigured.
   */
  readonly cause: 'platform' | 'transport' | 'unreadable' | 'throttled' | 'route';
  readonly errcode?: number;
  readonly rid?: string;
  /** Our address as the platform sees it, from the errmsg of a 40164 or 61004. */
  readonly ip?: string;
  /** Only with `route`: the code of what is wrong, such as EGRESS_PROXY_407. */
  readonly reason?: string;
  /** What happened, for people, without any part of the request. */
  readonly detail: string;
}

export type FetchOutcome =
  { readonly kind: 'token'; readonly value: Secret; readonly expiresInMs: number } | Failure;

/** Whether the platform accepts a token, probed with GET /cgi-bin/get_api_domain_ip. */
export type ProbeOutcome =
  { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly errcode: number } | Failure;

export interface Issuer {
  /** `force` is the stable endpoint's force_refresh: invalidates the current token; limited to 20 a day, 30 s apart. */
  fetch(app: Credentials, force: boolean): Promise<FetchOutcome>;
  probe(token: Token): Promise<ProbeOutcome>;
}
