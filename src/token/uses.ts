import { policyFor } from './policy.ts';
import { pruned } from './quota.ts';
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
 * them by its own clock, while ours may have been set since. Of two times of one use the later one counts. Returns the
 * same object if there is nothing new.
 */
export function withUses(state: State, forcedAtMs: readonly number[], nowMs: number): State {
  if (forcedAtMs.length === 0) return state;
  const { quota } = policyFor('stable');
  const stable = pruned(forcedAtMs, quota, nowMs);
  const known = state.usedAtMs.stable;
  const isKnown =
    stable.length === known.length &&
    stable.every((atMs, index) => {
      const laterMs = (known[index] ?? 0) - atMs;
      return laterMs >= 0 && laterMs < quota.spacingMs / 2;
    });
  return isKnown ? state : { ...state, usedAtMs: { ...state.usedAtMs, stable } };
}
