import { MANUAL_SHARE, type Quota } from './policy.ts';

export type Permission =
  | { readonly kind: 'allowed' }
  /** Only the spacing forbids it, until `untilMs`. */
  | { readonly kind: 'tooSoon'; readonly untilMs: number }
  | { readonly kind: 'usedUp' };

/** Whether a quota with uses at these times, oldest first, allows another use now. */
export function checkQuota(usedAtMs: readonly number[], quota: Quota, nowMs: number): Permission {
  const recent = pruned(usedAtMs, quota, nowMs);
  if (recent.length >= quota.max) return { kind: 'usedUp' };
  const untilMs = (recent.at(-1) ?? -Infinity) + quota.spacingMs;
  return nowMs < untilMs ? { kind: 'tooSoon', untilMs } : { kind: 'allowed' };
}

export function pruned(usedAtMs: readonly number[], quota: Quota, nowMs: number): readonly number[] {
  return usedAtMs.filter((atMs) => nowMs - atMs < quota.windowMs);
}

/**
 * Merges the uses that several owners have recorded. Two entries that are closer than the spacing allows
 * are one use, recorded at its start and at its end, or by two clocks: the later one counts.
 */
export function mergedUses(
  ours: readonly number[],
  theirs: readonly number[],
  quota: Quota,
): readonly number[] {
  const all = [...ours, ...theirs].toSorted((a, b) => a - b);
  return all.filter((atMs, index) => (all[index + 1] ?? Infinity) - atMs >= quota.spacingMs / 2);
}

/**
 * Times in the future were written by another clock. The last of them counts as now and the ones before it
 * at the quota's spacing, so that they age, block nothing for longer than necessary, and still count.
 */
export function notAhead(usedAtMs: readonly number[], quota: Quota, nowMs: number): readonly number[] {
  const count = usedAtMs.filter((atMs) => atMs > nowMs).length;
  if (count === 0) return usedAtMs;
  const settled = Array.from({ length: count }, (_, back) => nowMs - back * quota.spacingMs);
  return [...usedAtMs.filter((atMs) => atMs <= nowMs), ...settled].toSorted((a, b) => a - b);
}

/** Merges both as of now: future times are moved to the present, and times outside the window are dropped. */
export function currentUses(
  ours: readonly number[],
  theirs: readonly number[],
  quota: Quota,
  nowMs: number,
): readonly number[] {
  if (ours.length === 0 && theirs.length === 0) return ours;
  const merged = mergedUses(notAhead(ours, quota, nowMs), notAhead(theirs, quota, nowMs), quota);
  return pruned(merged, quota, nowMs);
}

/** Refreshes by people must not use up the quota that a really refused token will need. */
export function manualQuota(quota: Quota): Quota {
  return { ...quota, max: Math.ceil(quota.max * MANUAL_SHARE) };
}
