import type { LocalResponse } from '../server/local-response.ts';
import type { WireProblem } from '../hub-api/wire.ts';
import { PROBLEM_TYPE_PREFIX, PROBLEMS, type ProblemReason } from '../hub-api/problem.ts';
import type { Right } from '../hub-api/rights.ts';

export function statusOf(reason: ProblemReason): number {
  return PROBLEMS[reason].status;
}

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
