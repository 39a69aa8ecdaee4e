import type { Knobs, Sizes } from './knobs.ts';
import type { Script } from './script.ts';

/** A script that once broke a promise, and what was wrong with the code. Written down, since what a seed draws may change. */
export interface FailedScript {
  readonly story: string;
  readonly script: Script;
}

const HOUR_MS = 3_600_000;

const SIZES: Sizes = {
  mode: 'stable',
  hubs: 2,
  sidecars: 9,
  store: 'shared',
  paths: 10,
  callEveryMs: 257_000,
  platformMs: 16,
};

const KNOBS: Knobs = {
  overlapMs: 0,
  forceOverlapMs: 0,
  forceTooSoon: 'current',
  forceTooMany: 45009,
  boundaryIncluded: false,
  garbageErrcode: 40014,
  tokensSurviveReset: true,
  ticketRepeats: true,
  lifeS: 7_200,
};

export const SCRIPTS_THAT_FAILED: readonly FailedScript[] = [
  {
    story: 'a sidecar went back to an older token because an endpoint refused its successor too',
    script: {
      seed: 9,
      endMs: 3 * HOUR_MS,
      sizes: { ...SIZES, callEveryMs: 257_232.55592384964, platformMs: 15.961432267487043 },
      knobs: { ...KNOBS, overlapMs: 600_000, forceOverlapMs: 300_000, lifeS: 6_000 },
      steps: [
        {
          atMs: 659657,
          do: 'refuse a path',
          path: 8,
          forMs: 86400000,
          errcode: 40001,
          revokeAfterMs: undefined,
        },
        { atMs: 1959546, do: 'revoke the token', times: 1, everyMs: 0 },
        { atMs: 2005467, do: 'rush', sidecar: 8, calls: 42, overMs: 500 },
      ],
    },
  },
  {
    story:
      'a platform that was busy for seconds used up the ration, and a refused classic token stayed for minutes',
    script: {
      seed: 773,
      endMs: 3 * HOUR_MS,
      sizes: {
        ...SIZES,
        mode: 'classic',
        hubs: 1,
        sidecars: 2,
        store: 'disk',
        paths: 3,
        callEveryMs: 60_000,
      },
      knobs: KNOBS,
      steps: [
        { atMs: 600_000, do: 'platform trouble', kind: 'busy', restarts: false, forMs: 100_000 },
        { atMs: 601_000, do: 'revoke the token', times: 1, everyMs: 0 },
        { atMs: 602_000, do: 'rush', sidecar: 0, calls: 100, overMs: 60_000 },
      ],
    },
  },
];
