import { MANUAL_SHARE, type Ration } from './policy.ts';

export type Permission =
  | { readonly kind: 'allowed' }
  /** Only the spacing forbids it, until then. */
  | { readonly kind: 'tooSoon'; readonly untilMs: number }
  | { readonly kind: 'usedUp' };

/** Whether a ration that was drawn on at these times, oldest first, may be drawn on now. */
export function permit(spentAtMs: readonly number[], ration: Ration, nowMs: number): Permission {
  const recent = pruned(spentAtMs, ration, nowMs);
  if (recent.length >= ration.max) return { kind: 'usedUp' };
  const untilMs = (recent.at(-1) ?? -Infinity) + ration.spacingMs;
  return nowMs < untilMs ? { kind: 'tooSoon', untilMs } : { kind: 'allowed' };
}

export function pruned(spentAtMs: readonly number[], ration: Ration, nowMs: number): readonly number[] {
  return spentAtMs.filter((atMs) => nowMs - atMs < ration.windowMs);
}

/**
 * What several holders know of the same draws, as one list. Two entries that are closer than the
 * spacing allows are one draw, seen when it began and when it ended, or by two clocks: the later counts.
 */
export function mergedLedger(
  ours: readonly number[],
  theirs: readonly number[],
  ration: Ration,
): readonly number[] {
  const all = [...ours, ...theirs].toSorted((a, b) => a - b);
  return all.filter((atMs, index) => (all[index + 1] ?? Infinity) - atMs >= ration.spacingMs / 2);
}

/**
 * Dates that lie ahead were written by another clock. The last of them counts as now and those before it
 * as spaced as the ration allows, so that they age, hold up nobody for longer, and still count.
 */
export function notAhead(spentAtMs: readonly number[], ration: Ration, nowMs: number): readonly number[] {
  const count = spentAtMs.filter((atMs) => atMs > nowMs).length;
  if (count === 0) return spentAtMs;
  const settled = Array.from({ length: count }, (_, back) => nowMs - back * ration.spacingMs);
  return [...spentAtMs.filter((atMs) => atMs <= nowMs), ...settled].toSorted((a, b) => a - b);
}

/** The same as of now: what lies ahead settled, and what is too old to count left out. */
export function settledLedger(
  ours: readonly number[],
  theirs: readonly number[],
  ration: Ration,
  nowMs: number,
): readonly number[] {
  const merged = mergedLedger(notAhead(ours, ration, nowMs), notAhead(theirs, ration, nowMs), ration);
  return pruned(merged, ration, nowMs);
}

/** A button must not spend what a token that is really refused will need. */
export function forPeople(ration: Ration): Ration {
  return { ...ration, max: Math.ceil(ration.max * MANUAL_SHARE) };
}
