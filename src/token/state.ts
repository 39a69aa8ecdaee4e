import { type Doubt, isDoubted, LOOK_SPACING_MS, NO_DOUBT, type Report } from './doubt.ts';
import { type Spacing, UNSPACED } from './spacing.ts';
import type { Token, TokenMode } from './token.ts';

/** Why a token could not be had or tried, as far as the life of a token goes. */
export interface Trouble {
  /** The platform's own errcode, else -1. */
  readonly errcode: number;
  /** One sentence for people: the cause and what to do. Holds no token and no secret. */
  readonly message: string;
  /** When to ask again where only people can help; without it the trouble is passing, and we back off. */
  readonly recheckMs?: number;
  /** The platform limits our calls: no caller's need makes us ask before the back-off is over. */
  readonly throttled?: true;
}

const TRIGGERS = ['startup', 'ahead', 'refused', 'forced', 'manual'] as const;
export type Trigger = (typeof TRIGGERS)[number];

export type Phase =
  /** The store has not answered yet. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'idle' }
  /** `charged`: the mode whose ration it was drawn from, where it was. */
  | {
      readonly kind: 'fetching';
      readonly round: number;
      readonly trigger: Trigger;
      readonly charged: TokenMode | undefined;
    }
  | { readonly kind: 'probing'; readonly round: number; readonly fingerprint: string }
  /** The platform could not help; nothing is asked before `untilMs`. */
  | {
      readonly kind: 'resting';
      readonly untilMs: number;
      readonly trigger: Trigger;
      readonly trouble: Trouble;
    }
  /** The platform refuses the token, and the ration forbids another one until `untilMs`. */
  | { readonly kind: 'rationed'; readonly untilMs: number; readonly next: 'spend' | 'look' };

export interface State {
  /** Kept until its successor is in hand; `isLive` tells whether it counts. */
  readonly token: Token | undefined;
  readonly phase: Phase;
  /** When the current token is due to be renewed. */
  readonly dueMs: number;
  /** The number of the last round. An outcome that carries another number is stale. */
  readonly rounds: number;
  /** Failures since the last success. */
  readonly attempts: number;
  /** Reports that the current token was refused; ends with the token. */
  readonly doubt: Doubt;
  /** When a call without a live token last cut a back-off short. */
  readonly demandedAtMs: number;
  /** When the ration of each mode was drawn on, oldest first, none older than its window. */
  readonly spentAtMs: Readonly<Record<TokenMode, readonly number[]>>;
  readonly spacing: Spacing;
  /** The credentials changed while a round was running: another fetch follows it. */
  readonly fetchAgain: boolean;
}

export type Event =
  | { readonly kind: 'loaded'; readonly token?: Token; readonly forcedAtMs: readonly number[] }
  /** A timer: look at the state again. Harmless at any time. */
  | { readonly kind: 'wake' }
  /** A caller needs a token, and there is no live one, or needs another than one that is due. */
  | { readonly kind: 'demanded' }
  /** The platform refused a call with the token of this fingerprint. */
  | ({ readonly kind: 'reported'; readonly fingerprint: string } & Report)
  | { readonly kind: 'fetched'; readonly round: number; readonly token: Token }
  /** `unspent`: nothing came of it for certain, and what was drawn from a ration goes back. */
  | {
      readonly kind: 'fetchFailed';
      readonly round: number;
      readonly trouble: Trouble;
      readonly unspent?: true;
    }
  | { readonly kind: 'probed'; readonly round: number; readonly outcome: 'accepted' | 'refused' | Trouble }
  /** Another secret or mode is in force. */
  | { readonly kind: 'reconfigured' }
  /** A person asks for a new token now. */
  | { readonly kind: 'manual' }
  /** Another holder of the account has published a later token than ours, or drawn on the ration. */
  | ({ readonly kind: 'adopted' } & Shared)
  /** What the round was to bring about, or what forbids it, was done by another holder: it asked nothing. */
  | ({ readonly kind: 'yielded'; readonly round: number } & Shared);

/** What the holders of one account share. */
export interface Shared {
  /** Later than any that we have had: whoever shares tokens keeps them in order. */
  readonly token?: Token;
  /** When any of them forced a refresh, oldest first. */
  readonly forcedAtMs: readonly number[];
  /** The fingerprint of a token that was reported to a holder that cannot look into it. */
  readonly doubted?: string;
}

const RESULTS = ['renewed', 'unchanged', 'failed'] as const;
export type Result = (typeof RESULTS)[number];

/** What a look found: the platform accepts the token, or refuses it, or could not be asked. */
const LOOK_OUTCOMES = ['accepted', 'refused', 'failed'] as const;
export type LookOutcome = (typeof LOOK_OUTCOMES)[number];

export type Effect =
  | { readonly kind: 'fetch'; readonly round: number; readonly trigger: Trigger; readonly force: boolean }
  | { readonly kind: 'probe'; readonly round: number; readonly token: Token }
  | { readonly kind: 'save' }
  /** Reports were looked into; for metrics. */
  | { readonly kind: 'looked'; readonly outcome: LookOutcome }
  /** A fetch has ended; for people and metrics. */
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
  spentAtMs: { stable: [], classic: [] },
  spacing: UNSPACED,
  fetchAgain: false,
};

/** When the next `wake` is of use; undefined while an outcome is awaited. */
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

/** A look that failed in a way that may pass; it does not keep a token from being renewed in time. */
export function isPassingLook({ trigger, trouble }: Extract<Phase, { kind: 'resting' }>): boolean {
  return trigger === 'refused' && trouble.recheckMs === undefined;
}

export function unchanged(state: State): Step {
  return { state, effects: [] };
}

/** The next step, with the effects of the one before. */
export function after(effects: readonly Effect[], next: Step): Step {
  return { state: next.state, effects: [...effects, ...next.effects] };
}

export function looked(outcome: LookOutcome): Effect {
  return { kind: 'looked', outcome };
}
