/** Compares two systems. Slices of one round were taken soon after each other: interference affects both. */
import { quantile } from './histogram.ts';
import type { Results, Slice } from './results.ts';

export interface Pair {
  readonly system: string;
  readonly base: string;
  readonly shape: string;
}

/** The comparison for each round in which both were measured. */
export function pairs(
  { systems }: Results,
  { system, base, shape }: Pair,
  compare: (slice: Slice, base: Slice) => number,
): number[] {
  const slicesOf = (name: string): readonly Slice[] =>
    systems.find((result) => result.name === name)?.slices.get(shape) ?? [];
  const bases = slicesOf(base);
  return slicesOf(system).flatMap((slice) => {
    const other = bases.find(({ round }) => round === slice.round);
    return other === undefined ? [] : [compare(slice, other)];
  });
}

/** CPU per call as a multiple: the median of all rounds, and the interquartile range. */
export function cpuRatio(results: Results, pair: Pair): string {
  const all = pairs(results, pair, (slice, base) => slice.cpuUsPerCall / base.cpuUsPerCall);
  const ratios = all.filter((ratio) => !Number.isNaN(ratio));
  if (ratios.length === 0) return '';
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(2));
  return `${middle} (${low}–${high})`;
}
