/**
 * Our own requests to the platform (to fetch or probe a token), as a function from request to outcome,
 * so that the code in this folder needs no sockets.
 */
export interface Ask {
  (request: AskRequest): Promise<AskOutcome>;
}

export interface AskRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. May contain a token or a secret: never log it. */
  readonly path: string;
  readonly body?: string;
  /** Additional headers, as a flat list of names and values. */
  readonly headers?: readonly string[];
  readonly timeoutMs: number;
}

export type AskOutcome =
  /** `body` is decoded; `dateMs` is the response's Date header, in Unix milliseconds. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: Buffer; readonly dateMs?: number }
  /**
   * `reason` says what happened (`ECONNREFUSED`, `timeout` …) without any part of the request. `misconfigured`
   * describes, for people, a cause that only they can fix.
   */
  | {
      readonly kind: 'failed';
      readonly sent: boolean;
      readonly reason: string;
      readonly misconfigured?: string;
    };
