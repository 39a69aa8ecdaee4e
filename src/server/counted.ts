/** One answered call of a business program. */
export interface AnsweredCall {
  /** The appid or the name that the settings give it; absent where the call named no account of ours. */
  readonly app: string | undefined;
  /** Without the query. */
  readonly path: string;
  readonly status: number;
  /** The platform's own (before any change for the caller) or that of our own error; absent where the answer had none. */
  readonly errcode: number | undefined;
  /** Our own errors say nothing about whether a path exists. */
  readonly answeredBy: 'platform' | 'sidecar';
  readonly durationMs: number;
}

/** `recovered`: the replay was accepted; `refused`: its token was refused too; `failed`: it got no answer. */
export type ReplayOutcome = 'recovered' | 'refused' | 'failed';

export type ReplaySkipReason =
  | 'body_too_large'
  | 'memory_limit'
  | 'caller_left'
  /** The path is refused although the platform accepts the token: found just now, or a while ago. */
  | 'accepted'
  | 'held'
  /** The next token is not to be had yet. */
  | 'waiting'
  | 'rationed'
  | 'unavailable'
  /** Another call to the path went well meanwhile. */
  | 'succeeded_since';

export type RefreshTrigger = 'startup' | 'ahead' | 'refused' | 'forced' | 'manual';
/** `unchanged`: the platform handed out the token that we had. */
export type RefreshResult = 'renewed' | 'unchanged' | 'failed';

/** What a look at a reported token found: the platform accepts or refuses it, or could not be asked. */
export type LookOutcome = 'accepted' | 'refused' | 'failed';

/** What became of a pod that the API server showed us. */
export type InjectionResult = 'injected' | 'skipped' | 'refused' | 'failed';
