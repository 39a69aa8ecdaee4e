import { Chance } from './chance.ts';
import { drawKnobs, drawSizes, type Knobs, type Sizes } from './knobs.ts';

/** Something that the world does to the programs in it. Times are true milliseconds. */
export type Step = { readonly atMs: number } & (
  | { readonly do: 'revoke the token'; readonly times: number; readonly everyMs: number }
  | {
      readonly do: 'foreign fetch';
      readonly force: boolean;
      readonly times: number;
      readonly everyMs: number;
    }
  | {
      readonly do: 'refuse a path';
      readonly path: number;
      readonly forMs: number;
      readonly errcode: number;
      /** While it refuses all, or some time after, the token dies. */
      readonly revokeAfterMs: number | undefined;
    }
  | { readonly do: 'stray refusals'; readonly path: number; readonly times: number }
  | {
      readonly do: 'hub down';
      readonly hub: number;
      readonly how: 'killed' | 'stopped' | 'vanished';
      readonly forMs: number;
    }
  | { readonly do: 'hub pauses'; readonly hub: number; readonly sleeps: boolean; readonly forMs: number }
  | { readonly do: 'keeper pauses in a fetch'; readonly keeper: number; readonly forMs: number }
  | { readonly do: 'sidecar down'; readonly sidecar: number; readonly forMs: number }
  | {
      readonly do: 'sidecar pauses';
      readonly sidecar: number;
      readonly sleeps: boolean;
      readonly forMs: number;
    }
  | {
      readonly do: 'cut';
      readonly from: string;
      readonly to: string;
      readonly fate: 'drop' | 'refuse' | 'slow';
      readonly forMs: number;
    }
  | {
      readonly do: 'gateway';
      readonly hub: number;
      readonly mode: 'blocks streams' | 'buffers streams' | 'repeats posts' | 'errors';
      readonly forMs: number;
    }
  | {
      readonly do: 'platform diagnosis';
      readonly kind: 'busy' | 'empty' | 'http500' | 'slow' | 'lossy';
      /** In the middle of it those who keep the account start again. */
      readonly restarts: boolean;
      readonly forMs: number;
    }
  | { readonly do: 'store hangs'; readonly forMs: number }
  | {
      readonly do: 'store fails over';
      readonly loseMs: number;
      readonly clockShiftMs: number;
      readonly forMs: number;
    }
  | { readonly do: 'store restarts'; readonly ageMs: number | undefined; readonly forMs: number }
  | { readonly do: 'clock is set'; readonly host: string; readonly byMs: number }
  | { readonly do: 'not on the IP list'; readonly keeper: number | 'all'; readonly forMs: number }
  | { readonly do: 'secret reset'; readonly lagsMs: readonly number[] }
  | {
      /** Everything starts with nothing in hand, while the platform gives nobody a token. */
      readonly do: 'cold start';
      readonly kind: 'busy' | 'empty' | 'http500';
      readonly forMs: number;
    }
  | {
      /** A keeper reads its settings again; with a wrong secret in them, until somebody notices. */
      readonly do: 'reload';
      readonly keeper: number;
      readonly wrongForMs: number | undefined;
    }
  | { readonly do: 'button'; readonly hub: number }
  | { readonly do: 'rush'; readonly sidecar: number; readonly calls: number; readonly overMs: number }
  | { readonly do: 'other lives'; readonly lifeS: number }
);

/** All that a run depends on. */
export interface Script {
  readonly seed: number;
  readonly endMs: number;
  readonly sizes: Sizes;
  readonly knobs: Knobs;
  readonly steps: readonly Step[];
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** After the last fault the world goes on for this long without one: by then all must be well. */
export const PEACE_MS = 25 * MINUTE_MS;

type Kind = Step['do'];

/** How often each kind of step comes, in a world that has all of them. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  'revoke the token': 10,
  'foreign fetch': 5,
  'refuse a path': 5,
  'stray refusals': 4,
  'hub down': 5,
  'hub pauses': 3,
  'keeper pauses in a fetch': 3,
  'sidecar down': 2,
  'sidecar pauses': 2,
  cut: 6,
  gateway: 4,
  'platform diagnosis': 4,
  'cold start': 2,
  reload: 2,
  'store hangs': 2,
  'store fails over': 2,
  'store restarts': 1,
  'clock is set': 2,
  'not on the IP list': 6,
  'secret reset': 1,
  button: 2,
  rush: 4,
  'other lives': 2,
};

/** A day without faults: two hubs and ten sidecars, each of which makes a call in ten minutes. */
export function ordinaryDay(seed: number): Script {
  const sizes: Sizes = {
    ...drawSizes(new Chance(seed, 'script')),
    mode: 'stable',
    hubs: 2,
    sidecars: 10,
    store: 'shared',
    callEveryMs: 10 * MINUTE_MS,
  };
  return { seed, endMs: 24 * HOUR_MS, sizes, knobs: drawKnobs(new Chance(seed, 'knobs')), steps: [] };
}

export function drawScript(seed: number): Script {
  const chance = new Chance(seed, 'script');
  const sizes = drawSizes(chance);
  const knobs = drawKnobs(chance);
  const endMs = HOUR_MS * chance.one([3, 3, 3, 3, 4, 6]);
  const count = Math.floor(chance.spread(3, 60));
  // A world with few kinds of faults looks closer at each of them.
  const weights = { ...WEIGHTS };
  const isNarrow = chance.happens(0.4);
  for (const kind of Object.keys(weights) as Kind[]) {
    const isLoad = kind === 'revoke the token' || kind === 'rush';
    if (!isPossible(kind, sizes) || (isNarrow && !isLoad && chance.happens(0.7))) weights[kind] = 0;
  }
  const steps = Array.from({ length: count }, () => {
    const atMs = Math.round(chance.between(MINUTE_MS, endMs - PEACE_MS));
    return within(drawStep(chance.weighted(weights), atMs, sizes, chance), endMs - PEACE_MS);
  });
  return { seed, endMs, sizes, knobs, steps: steps.toSorted((a, b) => a.atMs - b.atMs) };
}

/** A fault is over by then; only endpoints may refuse every token for ever. */
function within(step: Step, byMs: number): Step {
  const cut = (forMs: number): number => Math.max(0, Math.min(forMs, byMs - step.atMs));
  if (step.do === 'reload' && step.wrongForMs !== undefined) {
    return { ...step, wrongForMs: cut(step.wrongForMs) };
  }
  if (step.do === 'foreign fetch' || step.do === 'revoke the token') {
    const times = 1 + Math.floor(cut((step.times - 1) * step.everyMs) / Math.max(step.everyMs, 1));
    return { ...step, times };
  }
  if (step.do === 'refuse a path' || !('forMs' in step)) return step;
  return { ...step, forMs: cut(step.forMs) };
}

function isPossible(kind: Kind, sizes: Sizes): boolean {
  if (kind.startsWith('hub') || kind === 'gateway' || kind === 'button') return sizes.hubs > 0;
  if (kind.startsWith('store')) return sizes.store === 'shared';
  return true;
}

function drawStep(kind: Kind, atMs: number, sizes: Sizes, chance: Chance): Step {
  const hub = chance.whole(0, Math.max(0, sizes.hubs - 1));
  const sidecar = chance.whole(0, sizes.sidecars - 1);
  const keeper = chance.whole(0, Math.max(1, sizes.hubs) - 1);
  const path = chance.whole(0, sizes.paths - 1);
  const longer = chance.one([1, 1, 1, 5]);
  const sleeps = chance.happens(0.5);
  const forMs = Math.round(chance.spread(1_000, 8 * MINUTE_MS));
  switch (kind) {
    case 'revoke the token':
      return chance.happens(0.8)
        ? { atMs, do: kind, times: 1, everyMs: 0 }
        : { atMs, do: kind, times: chance.whole(2, 24), everyMs: Math.round(chance.spread(3_000, 60_000)) };
    case 'foreign fetch':
      return {
        atMs,
        do: kind,
        force: chance.happens(0.3),
        ...(chance.happens(0.8)
          ? { times: 1, everyMs: 0 }
          : { times: chance.whole(2, 60), everyMs: Math.round(chance.spread(8_000, 120_000)) }),
      };
    case 'refuse a path': {
      const long = chance.happens(0.4) ? HOUR_MS * 24 : forMs * 5;
      const errcode = chance.one([40001, 40014, 42001]);
      const revokeAfterMs = chance.happens(0.6) ? Math.round(chance.spread(10_000, 240_000)) : undefined;
      return { atMs, do: kind, path, forMs: long, errcode, revokeAfterMs };
    }
    case 'stray refusals':
      return { atMs, do: kind, path, times: chance.whole(1, 3) };
    case 'hub down':
      return {
        atMs,
        do: kind,
        hub,
        how: chance.one(['killed', 'stopped', 'vanished'] as const),
        forMs: forMs * longer,
      };
    case 'hub pauses':
      return { atMs, do: kind, hub, sleeps, forMs: Math.min(forMs, 3 * MINUTE_MS) };
    case 'keeper pauses in a fetch':
      return { atMs, do: kind, keeper, forMs: Math.round(chance.between(1_000, 25_000)) };
    case 'sidecar down':
      return { atMs, do: kind, sidecar, forMs };
    case 'sidecar pauses':
      return { atMs, do: kind, sidecar, sleeps, forMs: Math.min(forMs, 3 * MINUTE_MS) };
    case 'cut':
      return { atMs, do: kind, ...drawWay(hub, sidecar, sizes, chance), forMs };
    case 'gateway': {
      const mode = chance.one(['blocks streams', 'buffers streams', 'repeats posts', 'errors'] as const);
      return { atMs, do: kind, hub, mode, forMs: mode === 'errors' ? forMs : forMs * 10 };
    }
    case 'platform diagnosis':
      return {
        atMs,
        do: kind,
        kind: chance.one(['busy', 'empty', 'http500', 'slow', 'lossy'] as const),
        restarts: forMs % 3 === 0,
        forMs: Math.min(forMs, 4 * MINUTE_MS),
      };
    case 'cold start':
      return {
        atMs,
        do: kind,
        kind: chance.one(['busy', 'empty', 'http500'] as const),
        forMs: Math.round(chance.between(30_000, 4 * MINUTE_MS)),
      };
    case 'reload':
      return { atMs, do: kind, keeper, wrongForMs: chance.happens(0.5) ? forMs : undefined };
    case 'store hangs':
      return { atMs, do: kind, forMs: Math.min(forMs, 2 * MINUTE_MS) };
    case 'store fails over':
      return {
        atMs,
        do: kind,
        loseMs: chance.one([0, 200, 2_000, 10_000]),
        clockShiftMs: chance.one([0, 0, 500, -500, 5_000, -5_000]),
        forMs: chance.one([0, 2_000, 15_000]),
      };
    case 'store restarts':
      return {
        atMs,
        do: kind,
        ageMs: chance.one([undefined, 60_000, 600_000]),
        forMs: chance.one([500, 30_000]),
      };
    case 'clock is set': {
      const host = chance.happens(0.5) && sizes.hubs > 0 ? `hub-${hub}` : `sidecar-${sidecar}`;
      return { atMs, do: kind, host, byMs: chance.one([-600_000, -5_000, 1_000, 5_000, 60_000, 1_200_000]) };
    }
    case 'not on the IP list':
      return { atMs, do: kind, keeper: chance.happens(0.3) ? 'all' : keeper, forMs: forMs * 4 };
    case 'secret reset': {
      const count = Math.max(1, sizes.hubs);
      return {
        atMs,
        do: kind,
        lagsMs: Array.from({ length: count }, () => Math.round(chance.spread(500, 300_000))),
      };
    }
    case 'button':
      return { atMs, do: kind, hub };
    case 'rush':
      return {
        atMs,
        do: kind,
        sidecar,
        calls: chance.whole(5, 120),
        overMs: chance.one([500, 5_000, 60_000]),
      };
    case 'other lives':
      return { atMs, do: kind, lifeS: chance.one([7_200, 6_000, 3_600, 1_800, 900]) };
  }
}

function drawWay(
  hub: number,
  sidecar: number,
  sizes: Sizes,
  chance: Chance,
): { from: string; to: string; fate: 'drop' | 'refuse' | 'slow' } {
  const keeper = sizes.hubs > 0 ? `hub-${hub}` : `sidecar-${sidecar}`;
  const ways: [string, string][] = [[keeper, 'platform']];
  if (sizes.hubs > 0)
    ways.push([`sidecar-${sidecar}`, keeper], [`sidecar-${sidecar}`, keeper], ['*', keeper]);
  if (sizes.store === 'shared') ways.push([keeper, 'store'], [keeper, 'store']);
  const [from, to] = chance.one(ways);
  const fate = chance.one(['drop', 'drop', 'refuse', 'slow'] as const);
  // Some partitions let packets through in one direction.
  return chance.happens(0.2) && to !== '*' && from !== '*'
    ? { from: to, to: from, fate }
    : { from, to, fate };
}

/** One line for people. */
export function stepText(step: Step): string {
  const { atMs, do: what, ...rest } = step;
  const told = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [`${(atMs / 1_000).toFixed(1)} s`, what, ...told].join('  ');
}
