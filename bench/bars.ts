/** What must hold, and whether it does. */
import { median, percentile } from './histogram.ts';
import { pairs } from './ratios.ts';
import type { Results, Slice } from './results.ts';
import { STEADY } from './shapes.ts';

interface Bar {
  readonly what: string;
  readonly system: string;
  readonly base: string;
  readonly shape: string;
  /** Of two slices of the same round. */
  readonly compare: (slice: Slice, base: Slice) => number;
  readonly atMost: number;
  readonly unit: string;
  /** A tail shows the machine, and not the systems, if they waited longer than this for their core. */
  readonly waitUsMax?: number;
}

const BARS: readonly Bar[] = [
  ...['get', 'post', 'json4k'].map((shape) => ({
    what: `CPU per call, ${shape}`,
    system: 'sidecar-24',
    base: 'nginx-lua',
    shape,
    compare: (slice: Slice, base: Slice) => slice.cpuUsPerCall / base.cpuUsPerCall,
    atMost: 2.2,
    unit: '× nginx-lua',
  })),
  {
    what: 'p99 at 500/s',
    system: 'sidecar-24',
    base: 'nginx-lua',
    shape: STEADY.name,
    compare: (slice, base) => (percentile(slice.times, 0.99) - percentile(base.times, 0.99)) / 1_000,
    atMost: 2,
    unit: 'ms over nginx-lua',
    waitUsMax: 50,
  },
];

/** A line for each bar. */
export function judge(results: Results): string[] {
  return BARS.map((bar) => {
    const value = median(pairs(results, bar, bar.compare));
    const limit = `at most ${bar.atMost} ${bar.unit}`;
    if (Number.isNaN(value)) return `not measured   ${bar.system}: ${bar.what}, ${limit}`;
    if (waited(results, bar) > (bar.waitUsMax ?? Infinity)) {
      return `machine busy   ${bar.system}: ${bar.what}, ${limit}: ${value.toFixed(2)}, which says nothing`;
    }
    const verdict = value <= bar.atMost ? 'holds         ' : 'does not hold ';
    return `${verdict} ${bar.system}: ${bar.what}, ${limit}: ${value.toFixed(2)}`;
  });
}

/** What both systems waited for their core, per call. */
function waited(results: Results, bar: Bar): number {
  return median(pairs(results, bar, (one, other) => Math.max(one.waitedUsPerCall, other.waitedUsPerCall)));
}
