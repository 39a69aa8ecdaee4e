import { jsonResponse, type LocalResponse } from '../server/local-response.ts';
import type { WireProblem } from '../hub-api/wire.ts';
import { PROBLEM_TYPE_PREFIX, PROBLEMS, type ProblemReason } from '../hub-api/problem.ts';
import type { Right } from '../hub-api/rights.ts';

export function statusOf(reason: ProblemReason): number {
  return PROBLEMS[reason].status;
}

/** An error response of a route. `detail` is for people and contains no secret. */
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

/** RFC 9457. The type `urn:wechat-sidecar:problem:<reason>` identifies the problem for programs. */
export function problemAnswer(problem: Problem): LocalResponse {
  const { reason, detail, errcode, retryAfterS } = problem;
  const { status, title } = PROBLEMS[reason];
  const content: WireProblem = {
    type: `${PROBLEM_TYPE_PREFIX}${reason}`,
    title,
    status,
    detail,
    ...(errcode !== undefined && { errcode }),
  };
  return jsonResponse(status, content, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(reason === 'unauthorized' && { 'www-authenticate': 'Bearer' }),
    ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
  });
}

/** Byte for byte the same for an account that does not exist and one that this caller may not use. */
export function unknownApp(): Problem {
  return new Problem('unknown_app', 'The hub has no such account, or this caller may not use it.');
}

/** Only for an account that the caller may use: it must not learn that others exist. */
export function notPermitted(right: Right): Problem {
  return new Problem(
    'not_permitted',
    `This caller may use the account, but lacks the right "${right}": add it to the caller's "may" in the settings of the hub.`,
  );
}
