/** One answered call of a business program. */
export interface AnsweredCall {
  /** The appid, or its name in the settings; absent if the call named no known account. */
  readonly app: string | undefined;
  /** Without the query. */
  readonly path: string;
  readonly status: number;
  /** The platform's (before any change for the caller) or that of our own error; absent if there was none. */
  readonly errcode: number | undefined;
  /** Our own errors say nothing about whether a path exists. */
  readonly answeredBy: 'platform' | 'sidecar';
  readonly durationMs: number;
}

/** `recovered`: the replay was accepted; `refused`: its token was refused too; `failed`: it got no response. */
export type ReplayOutcome = 'recovered' | 'refused' | 'failed';

export type ReplaySkipReason =
  | 'body_too_large'
  | 'memory_limit'
  | 'caller_left'
  /** The path is refused although the platform accepts the token, found just now or a while ago. */
  | 'accepted'
  | 'held'
  /** The next token is not available yet. */
  | 'waiting'
  | 'rationed'
  | 'unavailable'
  /** Another call to the path has succeeded since. */
  | 'succeeded_since';

export type RefreshTrigger = 'startup' | 'ahead' | 'refused' | 'forced' | 'manual';
/** `unchanged`: the platform returned the token that we had. */
export type RefreshResult = 'renewed' | 'unchanged' | 'failed';

/** The result of a look at a reported token: the platform accepts it, refuses it, or could not be asked. */
export type LookOutcome = 'accepted' | 'refused' | 'failed';

/** The outcome for a pod that the API server submitted. */
export type InjectionResult = 'injected' | 'skipped' | 'refused' | 'failed';
