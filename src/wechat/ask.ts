/**
 * The few calls that we make to the platform on our own account (for tokens, and to try a token), as
 * a function from request to outcome, so that what speaks to the platform here needs no sockets.
 */
export interface Ask {
  (request: AskRequest): Promise<AskOutcome>;
}

export interface AskRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. May hold a token or a secret: never logged. */
  readonly path: string;
  readonly body?: string;
  /** More headers, as a flat list of names and values. */
  readonly headers?: readonly string[];
  readonly timeoutMs: number;
}

export type AskOutcome =
  /** `body` is decoded; `dateMs` is the answer's own Date, in Unix milliseconds. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: Buffer; readonly dateMs?: number }
  /**
   * `reason` names what happened (`ECONNREFUSED`, `timeout` …) without any part of the request. `misconfigured`
   * tells in words what only people can put right.
   */
  | {
      readonly kind: 'failed';
      readonly sent: boolean;
      readonly reason: string;
      readonly misconfigured?: string;
    };
