import { type Doubt, isDoubted, LOOK_SPACING_MS, NO_DOUBT, type Report } from './doubt.ts';
import { type Spacing, UNSPACED } from './spacing.ts';
import type { Token, TokenMode } from './token.ts';

/** Why a token could not be fetched or probed, as far as the state machine needs to know. */
export interface Diagnosis {
  /** The platform's errcode, else -1. */
  readonly errcode: number;
  /** For people: the cause and what to do. Contains no token and no secret. */
  readonly message: string;
  /** When to retry if only people can fix the cause; if absent, the failure is transient and we back off. */
  readonly recheckMs?: number;
  /** The platform rate-limits us: callers cannot shorten the backoff. */
  readonly throttled?: true;
}

const TRIGGERS = ['startup', 'ahead', 'refused', 'forced', 'manual'] as const;
export type Trigger = (typeof TRIGGERS)[number];

export type Phase =
  /** The store has not answered yet. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'idle' }
  /** `charged`: the mode whose quota this fetch uses, if any. */
  | {
      readonly kind: 'fetching';
      readonly round: number;
      readonly trigger: Trigger;
      readonly charged: TokenMode | undefined;
    }
  | { readonly kind: 'probing'; readonly round: number; readonly fingerprint: string }
  /** Backing off after a failure; nothing is sent before `untilMs`. */
  | {
      readonly kind: 'resting';
      readonly untilMs: number;
      readonly trigger: Trigger;
      readonly diagnosis: Diagnosis;
    }
  /** The platform refuses the token, and the quota forbids another one until `untilMs`. */
  | { readonly kind: 'rationed'; readonly untilMs: number; readonly next: 'fetch' | 'look' };

export interface State {
  /** Kept until its successor arrives; `isLive` says whether it is valid. */
  readonly token: Token | undefined;
  readonly phase: Phase;
  /** When the current token is due for renewal. */
  readonly dueMs: number;
  /** The number of the last round. An outcome with another number is stale. */
  readonly rounds: number;
  /** Number of failures since the last success. */
  readonly attempts: number;
  /** Reports that the current token was refused; reset when the token is replaced. */
  readonly doubt: Doubt;
  /** When a call without a live token last shortened a backoff. */
  readonly demandedAtMs: number;
  /** When the quota of each mode was used, oldest first, none older than its window. */
  readonly usedAtMs: Readonly<Record<TokenMode, readonly number[]>>;
  readonly spacing: Spacing;
  /** The credentials changed during a round: another fetch follows it. */
  readonly fetchAgain: boolean;
}

export type Event =
  | { readonly kind: 'loaded'; readonly token?: Token; readonly forcedAtMs: readonly number[] }
  /** A timer fired: check the state again. Harmless at any time. */
  | { readonly kind: 'wake' }
  /** A caller needs a token but none is live, or needs the successor of one that is due. */
  | { readonly kind: 'demanded' }
  /** The platform refused a request with the token of this fingerprint. */
  | ({ readonly kind: 'reported'; readonly fingerprint: string } & Report)
  | { readonly kind: 'fetched'; readonly round: number; readonly token: Token }
  /** `unused`: it certainly had no effect, so its use returns to the quota. */
  | {
      readonly kind: 'fetchFailed';
      readonly round: number;
      readonly diagnosis: Diagnosis;
      readonly unused?: true;
    }
  | { readonly kind: 'probed'; readonly round: number; readonly outcome: 'accepted' | 'refused' | Diagnosis }
  /** Another secret or mode has been configured. */
  | { readonly kind: 'reconfigured' }
  /** A person requests a new token now. */
  | { readonly kind: 'manual' }
  /** Another owner of the account has published a later token than ours, or used the quota. */
  | ({ readonly kind: 'adopted' } & SharedState)
  /** Another owner made the round unnecessary or disallowed, so nothing was sent. */
  | ({ readonly kind: 'yielded'; readonly round: number } & SharedState);

/** What the owners of one account share. */
export interface SharedState {
  /** Later than any that we have had: the store keeps shared tokens in order. */
  readonly token?: Token;
  /** When any owner forced a refresh, we among them, oldest first; empty as long as the store has not responded. */
  readonly forcedAtMs: readonly number[];
  /** The fingerprint of a token that was reported to an owner that cannot run a look. */
  readonly doubted?: string;
}

const RESULTS = ['renewed', 'unchanged', 'failed'] as const;
export type Result = (typeof RESULTS)[number];

/** The result of a look: the platform accepts the token, refuses it, or could not be asked. */
const LOOK_OUTCOMES = ['accepted', 'refused', 'failed'] as const;
export type LookOutcome = (typeof LOOK_OUTCOMES)[number];

export type Effect =
  | { readonly kind: 'fetch'; readonly round: number; readonly trigger: Trigger; readonly force: boolean }
  | { readonly kind: 'probe'; readonly round: number; readonly token: Token }
  | { readonly kind: 'save' }
  /** A look has ended; for metrics. */
  | { readonly kind: 'looked'; readonly outcome: LookOutcome }
  /** A fetch has ended; for logs and metrics. */
  | { readonly kind: 'concluded'; readonly trigger: Trigger; readonly result: Result };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export const INITIAL_STATE: State = {
  token: undefined,
  phase: { kind: 'loading' },
  dueMs: 0,
  rounds: 0,
  attempts: 0,
  doubt: NO_DOUBT,
  demandedAtMs: -Infinity,
  usedAtMs: { stable: [], classic: [] },
  spacing: UNSPACED,
  fetchAgain: false,
};

/** When the next `wake` is needed; undefined while an outcome is pending. */
export function wakeAtMs(state: State): number | undefined {
  const { phase, dueMs } = state;
  switch (phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return undefined;
    case 'idle':
      return isDoubted(state.doubt) ? Math.min(dueMs, state.doubt.lookedAtMs + LOOK_SPACING_MS) : dueMs;
    case 'resting':
      return isPassingLook(phase) ? Math.min(phase.untilMs, dueMs) : phase.untilMs;
    case 'rationed':
      return Math.min(phase.untilMs, dueMs);
  }
}

/** A look that failed transiently; it must not delay the token's regular renewal. */
export function isPassingLook({ trigger, diagnosis }: Extract<Phase, { kind: 'resting' }>): boolean {
  return trigger === 'refused' && diagnosis.recheckMs === undefined;
}

export function unchanged(state: State): Step {
  return { state, effects: [] };
}

/** The next step, with the effects of the previous one first. */
export function after(effects: readonly Effect[], next: Step): Step {
  return { state: next.state, effects: [...effects, ...next.effects] };
}

export function looked(outcome: LookOutcome): Effect {
  return { kind: 'looked', outcome };
}
