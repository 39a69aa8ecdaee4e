import { policyFor } from './policy.ts';
import { mergedUses, pruned } from './quota.ts';
import type { State } from './state.ts';
import type { TokenMode } from './token.ts';

/** Moves the last recorded use to the end of its call, so that the spacing holds by the platform's count. */
export function settleUse(state: State, mode: TokenMode | undefined, nowMs: number): State {
  if (mode === undefined) return state;
  const usedAtMs = [...state.usedAtMs[mode].slice(0, -1), nowMs];
  return { ...state, usedAtMs: { ...state.usedAtMs, [mode]: usedAtMs } };
}

/** Returns the use to the quota if the round changed nothing at the platform. */
export function refund(state: State, mode: TokenMode | undefined): State {
  if (mode === undefined) return state;
  return { ...state, usedAtMs: { ...state.usedAtMs, [mode]: state.usedAtMs[mode].slice(0, -1) } };
}

/**
 * Takes the forced refreshes of all owners, ours among them, in place of those that we remember: the shared store tells
 * them by its own clock, and ours may have been set since, so that we cannot tell which of them we know already. Only our
 * last one is kept, which we know to the millisecond. Returns the same object if there is nothing new.
 */
export function withUses(state: State, forcedAtMs: readonly number[], nowMs: number): State {
  if (forcedAtMs.length === 0) return state;
  const { quota } = policyFor('stable');
  const known = pruned(state.usedAtMs.stable, quota, nowMs);
  const stable = pruned(mergedUses(known.slice(-1), forcedAtMs, quota), quota, nowMs);
  const isKnown = stable.length === known.length && stable.at(-1) === known.at(-1);
  return isKnown ? state : { ...state, usedAtMs: { ...state.usedAtMs, stable } };
}
