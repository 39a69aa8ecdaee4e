import type { ErrorAnswer } from '../proxy/errors.ts';
import type { WireProblem } from '../hub-api/wire.ts';
import type { Right } from './callers.ts';

/** Every way in which the hub says no, with its HTTP status and what is the same each time. */
const TABLE = {
  bad_request: { status: 400, title: 'The request makes no sense' },
  unauthorized: { status: 401, title: 'A valid credential is needed' },
  forbidden_origin: { status: 403, title: 'A web page of another site may not do this' },
  not_permitted: { status: 403, title: 'This caller may use the account, but not for this' },
  /** Also for accounts that the caller may not use: the answer must not tell the two apart. */
  unknown_app: { status: 404, title: 'No such account for this caller' },
  not_found: { status: 404, title: 'There is nothing at this path' },
  method_not_allowed: { status: 405, title: 'This method is not served here' },
  body_too_large: { status: 413, title: 'The body is too large' },
  too_many_failures: { status: 429, title: 'Too many calls from this address had no valid credential' },
  too_many_requests: { status: 429, title: 'Too many requests of this caller' },
  internal: { status: 500, title: 'A fault of the hub itself' },
  upstream_unreachable: { status: 502, title: 'The platform cannot be connected: nothing was sent' },
  upstream_broken: { status: 502, title: 'The connection to the platform died after sending' },
  token_unavailable: { status: 503, title: 'The account has no token now' },
  ticket_unavailable: { status: 503, title: 'The account has no such ticket now' },
  overloaded: { status: 503, title: 'Too much at once' },
  review_unavailable: { status: 503, title: 'The credential cannot be checked now' },
  upstream_timeout: { status: 504, title: 'The platform did not answer in time' },
} as const;

export type ProblemReason = keyof typeof TABLE;

export const PROBLEM_REASONS: readonly ProblemReason[] = Object.keys(TABLE) as ProblemReason[];

export function statusOf(reason: ProblemReason): number {
  return TABLE[reason].status;
}

export const PROBLEM_TYPE_PREFIX = 'urn:wechat-sidecar:problem:';

/** What a route answers instead of what was asked for. `detail` is for people, and holds no secret. */
export class Problem {
  readonly reason: ProblemReason;
  readonly detail: string;
  readonly errcode: number | undefined;
  readonly retryAfterS: number | undefined;

  constructor(
    reason: ProblemReason,
    detail: string,
    more: { readonly errcode?: number; readonly retryAfterS?: number } = {},
  ) {
    this.reason = reason;
    this.detail = detail;
    this.errcode = more.errcode;
    this.retryAfterS = more.retryAfterS;
  }
}

/** RFC 9457. The type tells programs what happened, as `urn:wechat-sidecar:problem:<reason>`. */
export function problemAnswer(problem: Problem): ErrorAnswer {
  const { reason, detail, errcode, retryAfterS } = problem;
  const { status, title } = TABLE[reason];
  const content: WireProblem = {
    type: `${PROBLEM_TYPE_PREFIX}${reason}`,
    title,
    status,
    detail,
    ...(errcode !== undefined && { errcode }),
  };
  const body = Buffer.from(JSON.stringify(content));
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(body.length),
      'cache-control': 'no-store',
      ...(reason === 'unauthorized' && { 'www-authenticate': 'Bearer' }),
      ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
    },
    body,
  };
}

/** The very same bytes for an account that does not exist and for one that this caller may not use. */
export function unknownApp(): Problem {
  return new Problem('unknown_app', 'The hub has no such account, or this caller may not use it.');
}

/** Only for an account that the caller may use: of others it must not learn that they exist. */
export function notPermitted(right: Right): Problem {
  return new Problem(
    'not_permitted',
    `This caller may use the account, but not for this: its "may" in the settings of the hub lacks "${right}".`,
  );
}
