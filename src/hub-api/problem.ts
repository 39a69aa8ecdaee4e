/** Every error of the hub's API, with its HTTP status and title. */
export const PROBLEMS = {
  bad_request: { status: 400, title: 'Malformed request' },
  unauthorized: { status: 401, title: 'Missing or invalid credential' },
  forbidden_origin: { status: 403, title: 'Web pages of other sites may not send this request' },
  not_permitted: { status: 403, title: 'The caller lacks a right for this account' },
  /** Also for accounts that the caller may not use: the response must not reveal the difference. */
  unknown_app: { status: 404, title: 'No such account for this caller' },
  not_found: { status: 404, title: 'Path not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  body_too_large: { status: 413, title: 'Request body too large' },
  too_many_failures: { status: 429, title: 'Too many requests without a valid credential from this address' },
  too_many_requests: { status: 429, title: 'Too many requests from this caller' },
  internal: { status: 500, title: 'Internal error of the hub' },
  upstream_unreachable: { status: 502, title: 'The platform is unreachable; nothing was sent' },
  upstream_broken: { status: 502, title: 'The connection to the platform broke after the request was sent' },
  token_unavailable: { status: 503, title: 'The account currently has no token' },
  ticket_unavailable: { status: 503, title: 'The account currently has no such ticket' },
  overloaded: { status: 503, title: 'Overloaded' },
  review_unavailable: { status: 503, title: 'The credential currently cannot be checked' },
  upstream_timeout: { status: 504, title: 'The platform did not respond in time' },
} as const;

export type ProblemReason = keyof typeof PROBLEMS;

export const PROBLEM_REASONS: readonly ProblemReason[] = Object.keys(PROBLEMS) as ProblemReason[];

export const PROBLEM_TYPE_PREFIX = 'urn:wechat-sidecar:problem:';
