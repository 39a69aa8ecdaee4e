/** Every way in which the hub says no, with its HTTP status and what is the same each time. */
export const PROBLEMS = {
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

export type ProblemReason = keyof typeof PROBLEMS;

export const PROBLEM_REASONS: readonly ProblemReason[] = Object.keys(PROBLEMS) as ProblemReason[];

export const PROBLEM_TYPE_PREFIX = 'urn:wechat-sidecar:problem:';
