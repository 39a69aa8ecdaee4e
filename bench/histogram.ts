/** How often each duration was seen, in µs. */
export type Histogram = ReadonlyMap<number, number>;

export function merge(histograms: readonly Histogram[]): Histogram {
  const all = new Map<number, number>();
  for (const histogram of histograms) {
    for (const [us, count] of histogram) all.set(us, (all.get(us) ?? 0) + count);
  }
  return all;
}

export function countOf(histogram: Histogram): number {
  let count = 0;
  for (const some of histogram.values()) count += some;
  return count;
}

/** The duration that this share of the calls did not exceed. */
export function percentile(histogram: Histogram, share: number): number {
  let left = countOf(histogram) * share;
  let us = NaN;
  for (const [next, count] of [...histogram].toSorted(([a], [b]) => a - b)) {
    us = next;
    left -= count;
    if (left <= 0) break;
  }
  return us;
}

/** Of plain numbers, interpolated between the two nearest; NaN if there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low = NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
