import type { AppMode } from '../token/token.ts';
/**
 * What a hub and its callers exchange as JSON. Absolute times are RFC 3339 in UTC with milliseconds;
 * whoever counts a token's life by its own clock goes by `expires_in`, which no wrong clock upsets.
 */
export interface WireToken {
  readonly appid: string;
  readonly access_token: string;
  readonly fingerprint: string;
  readonly issued_at: string;
  readonly expires_at: string;
  /** Whole seconds left when the answer was written, rounded down. */
  readonly expires_in: number;
}

/** What became of a report. */
export const REPORT_OUTCOMES = ['renewed', 'not_current', 'accepted', 'held', 'waiting', 'rationed'] as const;
export type ReportOutcome = (typeof REPORT_OUTCOMES)[number];

/** The body of POST /v1/apps/{appid}/token/refresh. Version 0.1 sent neither `path` nor `succeeded`. */
export interface WireReport {
  readonly fingerprint: string;
  readonly errcode: number;
  readonly path?: string;
  readonly succeeded?: boolean;
}

/** The answer of POST /v1/apps/{appid}/token/refresh. */
export interface WireRefresh extends WireToken {
  /** Whether a look that settled this report replaced the token. */
  readonly refreshed: boolean;
  /** Version 0.1 sent none. */
  readonly outcome: ReportOutcome;
  /** With `accepted` and `held`: for how long the path need not be reported again. */
  readonly hold_ms?: number;
  /** With `waiting` and `rationed`: when the successor may be fetched. */
  readonly retry_ms?: number;
}

/** One of `apps` in the answer of GET /v1/apps. */
export interface WireApp {
  readonly appid: string;
  readonly name: string;
  readonly mode: AppMode;
  /** Absent while there is no live token. */
  readonly fingerprint?: string;
  readonly expires_at?: string;
}

/**
 * The body of POST /v1/apps/{appid}/relay. The answer is the platform's own, status, Content-Type and
 * body, with the header `x-wechat-sidecar-relay: 1`; without that header it is the hub's own problem.
 */
export interface WireRelay {
  readonly method: string;
  /** One of the secret-bearing paths. */
  readonly path: string;
  /** The raw query string, without appid and secret. */
  readonly query: string;
  readonly content_type?: string;
  /** The request's body in base64. */
  readonly body?: string;
}

/** The answer of GET /v1/apps/{appid}/ticket?type=jsapi or wx_card. */
export interface WireTicket {
  readonly appid: string;
  readonly type: 'jsapi' | 'wx_card';
  readonly ticket: string;
  /** Whole seconds left when the answer was written, rounded down. */
  readonly expires_in: number;
}

/** RFC 9457, with a type such as `urn:wechat-sidecar:problem:unknown_app`; `errcode` is the platform's where that is the cause. */
export interface WireProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errcode?: number;
}

/** The answer of POST /v1/apps/{appid}/jssdk-signature, as `wx.config` takes it. */
export interface WireSignature {
  readonly appId: string;
  readonly timestamp: number;
  readonly nonceStr: string;
  readonly signature: string;
}
