import { jsonResponse, type LocalResponse } from '../server/local-response.ts';

/**
 * The sidecar's own errors: one table, and the only function that turns a reason into a response.
 *
 * `gate` reasons refuse a malformed or forbidden request. They keep their HTTP status under either setting, so that the
 * sender cannot mistake them for a response of the platform. A configuration mistake is not among them: SDKs show an
 * errmsg to their users only with HTTP 200.
 */
const TABLE = {
  token_unavailable: { status: 503, errcode: -1, gate: false },
  upstream_unreachable: { status: 502, errcode: -1, gate: false },
  upstream_broken: { status: 502, errcode: -2, gate: false },
  upstream_timeout: { status: 504, errcode: -2, gate: false },
  overloaded: { status: 503, errcode: -1, gate: false },
  bad_request: { status: 400, errcode: -3, gate: true },
  forbidden_host: { status: 421, errcode: -3, gate: true },
  forbidden_origin: { status: 403, errcode: -3, gate: true },
  forbidden_path: { status: 403, errcode: -3, gate: true },
  foreign_token: { status: 403, errcode: -3, gate: false },
  unknown_app: { status: 404, errcode: -3, gate: false },
  body_too_large: { status: 413, errcode: -3, gate: true },
} as const;

export type Reason = keyof typeof TABLE;

export const REASONS: readonly Reason[] = Object.keys(TABLE) as Reason[];

/** `wechat`: HTTP 200 with an errcode, as the platform responds; `http`: 403, 404, 502, 503, 504. */
const ERROR_STATUSES = ['wechat', 'http'] as const;
export type ErrorStatus = (typeof ERROR_STATUSES)[number];

/**
 * The response for a reason. `message` is one sentence for people, without any token or secret. `errcode` overrides the
 * table's if the platform's own is the cause (a refused AppSecret, an IP address that is not allowed).
 */
export function errorResponse(
  reason: Reason,
  message: string,
  errorStatus: ErrorStatus,
  errcode?: number,
): LocalResponse {
  const row = TABLE[reason];
  const status = errorStatus === 'http' || row.gate ? row.status : 200;
  const content = { errcode: errcode ?? row.errcode, errmsg: `wechat-sidecar: ${message}` };
  return jsonResponse(status, content, { 'x-wechat-sidecar-error': reason });
}

/** The errcode of a reason in the table, for metrics and logs. */
export function errcodeOf(reason: Reason): number {
  return TABLE[reason].errcode;
}
