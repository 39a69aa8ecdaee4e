/** The bars, and whether they are met. */
import { median, merge, percentile, quantile } from './histogram.ts';
import { pairs } from './ratios.ts';
import type { Results, Slice, SystemResult } from './results.ts';
import { DIRECT, STEADY } from './shapes.ts';

interface Bar {
  readonly what: string;
  readonly system: string;
  readonly unit: string;
  readonly atMost: number;
  /** To reach for: the program is no worse than promised if it does not hold. */
  readonly isGoal?: boolean;
  /** NaN if it was not measured. */
  readonly value: (results: Results) => number;
  /** If these systems waited too long for their core, the tail reflects the machine, not the systems. */
  readonly isTailOf?: { readonly systems: readonly string[]; readonly share: number };
}

const SIDECAR = 'sidecar-24';
const LUA = 'nginx-lua';
const EMPTY = 'empty-24';
const SMALL_SHAPES = ['get', 'post', 'json4k'];
/** What has to be measured for the bars. */
export const JUDGED: {
  readonly systems: readonly string[];
  readonly shapes: readonly string[];
  /** Of these systems the calls at a constant rate are measured, too, which take most of the time. */
  readonly steady: readonly string[];
} = {
  systems: [LUA, 'go', 'rust', 'http-proxy-24', EMPTY, 'sidecar-20', SIDECAR],
  shapes: [...SMALL_SHAPES, 'chunked', STEADY.name],
  steady: [LUA, SIDECAR],
};
/** Above this per call at 500/s, something else used the core. */
const WAIT_US_MAX = 50;
/** If the calls without any system in between exceed this at the same percentile, the machine itself stood still. */
const STALL_MS_MAX = 5;
/** The largest percentile of which each round has enough calls. */
const ROUND_SHARE_MAX = 0.99;

const BARS: readonly Bar[] = [
  ...cpuBars(SIDECAR, LUA, 2.2, SMALL_SHAPES),
  tailBar(LUA, 0.99, 2),
  ...cpuBars(SIDECAR, LUA, 1, [...SMALL_SHAPES, STEADY.name]),
  ...cpuBars(SIDECAR, 'http-proxy-24', 0.25, SMALL_SHAPES),
  ...cpuBars(SIDECAR, 'go', 0.6, SMALL_SHAPES),
  ...cpuBars(SIDECAR, LUA, 0.8, SMALL_SHAPES).map(toReachFor),
  ...cpuBars(SIDECAR, 'rust', 1.4, SMALL_SHAPES).map(toReachFor),
  ...cpuBars('sidecar-20', SIDECAR, 1.3, SMALL_SHAPES),
  {
    what: 'CPU per call, 1 in 20 chunked',
    system: SIDECAR,
    unit: '× post',
    atMost: 1.3,
    value: (results) => {
      return cpuOf(results, SIDECAR, 'chunked') / cpuOf(results, SIDECAR, 'post');
    },
  },
  tailBar(DIRECT, 0.99, 1),
  tailBar(LUA, 0.999, 3),
  {
    what: 'start to first answered call',
    system: SIDECAR,
    unit: `× ${EMPTY}`,
    atMost: 2,
    value: (results) => {
      const of = (name: string): readonly number[] => named(results, name)?.startMs ?? [];
      return median(of(SIDECAR).map((ms, time) => ms / (of(EMPTY)[time] ?? NaN)));
    },
  },
  ownBar('memory at rest', 1.3, ({ idle }) => idle?.nowMib ?? NaN),
  {
    what: 'anonymous memory at rest',
    system: SIDECAR,
    unit: 'MiB',
    atMost: 16,
    value: (results) => named(results, SIDECAR)?.idle?.anonymousMib ?? NaN,
  },
  ownBar('memory after full load', 1.5, ({ memory }) => memory?.nowMib ?? NaN),
  {
    what: 'CPU at rest',
    system: SIDECAR,
    unit: 'ms a second',
    atMost: 1,
    value: (results) => (named(results, SIDECAR)?.restShare ?? NaN) * 1_000,
  },
];

/** One line per bar. */
export function judge(results: Results): string[] {
  return BARS.map((bar) => {
    const value = bar.value(results);
    const about = `${bar.system}: ${bar.what}, at most ${bar.atMost} ${bar.unit}`;
    if (Number.isNaN(value)) return `not measured   ${about}`;
    if (bar.isTailOf !== undefined && isBusy(results, bar.isTailOf)) {
      return `machine busy   ${about}: ${value.toFixed(2)}, which says nothing`;
    }
    const [reached, missed] = bar.isGoal === true ? ['reached', 'not reached'] : ['holds', 'does not hold'];
    return `${(value <= bar.atMost ? reached : missed).padEnd(14)} ${about}: ${value.toFixed(2)}`;
  });
}

function cpuBars(system: string, base: string, atMost: number, shapes: readonly string[]): Bar[] {
  return shapes.map((shape) => ({
    what: shape === STEADY.name ? 'CPU per call at 500/s' : `CPU per call, ${shape}`,
    system,
    unit: `× ${base}`,
    atMost,
    value: (results) => cpuOf(results, system, shape) / cpuOf(results, base, shape),
  }));
}

function toReachFor(bar: Bar): Bar {
  return { ...bar, isGoal: true };
}

/** In ms more than another system: the median of the rounds; for a thin tail, over all calls. */
function tailBar(base: string, share: number, atMost: number): Bar {
  const overMs = (one: Slice['times'], other: Slice['times']): number =>
    (percentile(one, share) - percentile(other, share)) / 1_000;
  return {
    what: `p${share * 100} at 500/s`,
    system: SIDECAR,
    unit: `ms over ${base}`,
    atMost,
    value: (results) => {
      const pair = { system: SIDECAR, base, shape: STEADY.name };
      if (share <= ROUND_SHARE_MAX)
        return median(pairs(results, pair, (one, two) => overMs(one.times, two.times)));
      const all = [SIDECAR, base].map((name) => merge(slicesOf(results, name).map(({ times }) => times)));
      return all.some(({ size }) => size === 0) ? NaN : overMs(all[0] ?? new Map(), all[1] ?? new Map());
    },
    isTailOf: { systems: [SIDECAR, base], share },
  };
}

/** Compared with a server that does nothing. */
function ownBar(what: string, atMost: number, read: (result: SystemResult) => number): Bar {
  const of = (results: Results, name: string): number => {
    const result = named(results, name);
    return result === undefined ? NaN : read(result);
  };
  const value = (results: Results): number => of(results, SIDECAR) / of(results, EMPTY);
  return { what, system: SIDECAR, unit: `× ${EMPTY}`, atMost, value };
}

function named({ systems }: Results, name: string): SystemResult | undefined {
  return systems.find((result) => result.name === name);
}

function slicesOf(results: Results, name: string, shape: string = STEADY.name): readonly Slice[] {
  return named(results, name)?.slices.get(shape) ?? [];
}

/** The lower quartile of the rounds: whatever else uses the machine makes a call dearer, and never cheaper. */
function cpuOf(results: Results, name: string, shape: string): number {
  const all = slicesOf(results, name, shape).map(({ cpuUsPerCall }) => cpuUsPerCall);
  return quantile(all, 0.25);
}

/** Waiting time for its core, per call. */
function waitedUs(results: Results, name: string): number {
  return median(slicesOf(results, name).map(({ waitedUsPerCall }) => waitedUsPerCall));
}

function isBusy(results: Results, { systems, share }: NonNullable<Bar['isTailOf']>): boolean {
  const direct = slicesOf(results, DIRECT).map(({ times }) => times);
  // As in the bar: the median of the rounds; for a thin tail, over all calls.
  const stalledUs =
    share <= ROUND_SHARE_MAX
      ? median(direct.map((times) => percentile(times, share)))
      : percentile(merge(direct), share);
  if (stalledUs > STALL_MS_MAX * 1_000) return true;
  // Of the late calls, half may be late for that reason alone.
  const stolenMax = (1 - share) / 2;
  return systems.some((name) => waitedUs(results, name) > WAIT_US_MAX || stolen(results, name) > stolenMax);
}

/** The part of the time at the constant rate in which the host gave the core to others. */
function stolen(results: Results, name: string): number {
  const shares = slicesOf(results, name).map(({ stolenShare }) => stolenShare);
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
