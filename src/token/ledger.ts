import { policyFor } from './policy.ts';
import { mergedLedger, pruned } from './ration.ts';
import type { State } from './state.ts';
import type { TokenMode } from './token.ts';

/** Dates the last charge to the end of its call, so that spacing holds as the platform counts it. */
export function settleCharge(state: State, mode: TokenMode | undefined, nowMs: number): State {
  if (mode === undefined) return state;
  const spentAtMs = [...state.spentAtMs[mode].slice(0, -1), nowMs];
  return { ...state, spentAtMs: { ...state.spentAtMs, [mode]: spentAtMs } };
}

/** Takes back the charge of a round that changed nothing at the platform. */
export function refund(state: State, mode: TokenMode | undefined): State {
  if (mode === undefined) return state;
  return { ...state, spentAtMs: { ...state.spentAtMs, [mode]: state.spentAtMs[mode].slice(0, -1) } };
}

/** The forced refreshes of all holders. Answers the very same state where they tell nothing new. */
export function withLedger(state: State, forcedAtMs: readonly number[], nowMs: number): State {
  if (forcedAtMs.length === 0) return state;
  const { ration } = policyFor('stable');
  const stable = pruned(mergedLedger(state.spentAtMs.stable, forcedAtMs, ration), ration, nowMs);
  const isKnown =
    stable.length === state.spentAtMs.stable.length && stable.at(-1) === state.spentAtMs.stable.at(-1);
  return isKnown ? state : { ...state, spentAtMs: { ...state.spentAtMs, stable } };
}
