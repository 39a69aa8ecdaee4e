import type { Knobs, Sizes } from './knobs.ts';
import type { Script } from './script.ts';

/**
 * A script that once broke a promise, and what was wrong with the code then, or in a copy of it with a planted
 * fault. Written down, since what a seed draws may change.
 */
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
      'a platform that was busy for seconds used up the quota, and a refused classic token stayed for minutes',
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
        { atMs: 600_000, do: 'platform diagnosis', kind: 'busy', restarts: false, forMs: 100_000 },
        { atMs: 601_000, do: 'revoke the token', times: 1, everyMs: 0 },
        { atMs: 602_000, do: 'rush', sidecar: 0, calls: 100, overMs: 60_000 },
      ],
    },
  },
  {
    story: 'a hub that had lost its store fetched a classic token beside the other one',
    script: {
      seed: 1,
      endMs: 3 * HOUR_MS,
      sizes: { ...SIZES, mode: 'classic', sidecars: 4, paths: 3, callEveryMs: 60_000 },
      knobs: KNOBS,
      steps: [
        { atMs: 600_000, do: 'cut', from: 'hub-0', to: 'store', fate: 'drop', forMs: 60_000 },
        { atMs: 610_000, do: 'revoke the token', times: 1, everyMs: 0 },
        ...[0, 1, 2, 3].map(
          (sidecar) => ({ atMs: 611_000, do: 'rush', sidecar, calls: 60, overMs: 30_000 }) as const,
        ),
      ],
    },
  },
  {
    story: 'callers without a token made a keeper ask again and again whose address is not listed',
    script: {
      seed: 2,
      endMs: 3 * HOUR_MS,
      sizes: {
        ...SIZES,
        mode: 'classic',
        hubs: 0,
        sidecars: 1,
        store: 'memory',
        paths: 3,
        callEveryMs: 60_000,
      },
      knobs: KNOBS,
      steps: [
        { atMs: 600_000, do: 'not on the IP list', keeper: 'all', forMs: 300_000 },
        { atMs: 601_000, do: 'sidecar down', sidecar: 0, forMs: 1_000 },
        { atMs: 605_000, do: 'rush', sidecar: 0, calls: 60, overMs: 30_000 },
      ],
    },
  },
  {
    story: 'an endpoint that refuses every token cost a look every two seconds',
    script: {
      seed: 3,
      endMs: 3 * HOUR_MS,
      sizes: { ...SIZES, hubs: 0, sidecars: 1, store: 'memory', paths: 1, callEveryMs: 3_000 },
      knobs: KNOBS,
      steps: [
        {
          atMs: 600_000,
          do: 'refuse a path',
          path: 0,
          forMs: 24 * HOUR_MS,
          errcode: 40001,
          revokeAfterMs: undefined,
        },
      ],
    },
  },
  {
    story: 'a sidecar that started late and lost its hub used a token past its end',
    script: {
      seed: 4,
      endMs: 3 * HOUR_MS,
      sizes: { ...SIZES, hubs: 1, sidecars: 1, paths: 3, callEveryMs: 20_000 },
      knobs: KNOBS,
      steps: [
        { atMs: 5_000_000, do: 'sidecar down', sidecar: 0, forMs: 1_000 },
        { atMs: 6_000_000, do: 'hub down', hub: 0, how: 'killed', forMs: 2_000_000 },
      ],
    },
  },
  {
    story: 'a hub that had lost its store gave sidecars back the token of before',
    script: {
      seed: 5,
      endMs: 3 * HOUR_MS,
      sizes: { ...SIZES, mode: 'classic', sidecars: 4, paths: 3, callEveryMs: 20_000 },
      knobs: { ...KNOBS, overlapMs: 600_000 },
      steps: [
        { atMs: 600_000, do: 'cut', from: 'hub-1', to: 'store', fate: 'drop', forMs: 300_000 },
        { atMs: 610_000, do: 'button', hub: 0 },
        ...[0, 1, 2, 3].map(
          (sidecar) => ({ atMs: 615_000, do: 'sidecar down', sidecar, forMs: 1_000 }) as const,
        ),
        { atMs: 641_000, do: 'hub down', hub: 0, how: 'killed', forMs: 60_000 },
      ],
    },
  },
  {
    story: 'a report to a hub that had not heard of the reported token yet was lost',
    script: {
      seed: 10_015,
      endMs: 3 * HOUR_MS,
      sizes: { ...SIZES, mode: 'classic', sidecars: 4, paths: 60, callEveryMs: 214_455, platformMs: 24 },
      knobs: { ...KNOBS, overlapMs: 300_000 },
      steps: [
        { atMs: 4_885_000, do: 'not on the IP list', keeper: 0, forMs: 875_000 },
        { atMs: 5_654_500, do: 'revoke the token', times: 15, everyMs: 3_749 },
      ],
    },
  },
  {
    story:
      'a hub that stood still while its lease ran out served the token that it had fetched before the next one',
    script: {
      seed: 2003,
      endMs: 4 * HOUR_MS,
      sizes: {
        ...SIZES,
        mode: 'classic',
        sidecars: 4,
        callEveryMs: 3972.1611830221523,
        platformMs: 264.3964189808699,
      },
      knobs: {
        ...KNOBS,
        forceOverlapMs: 300_000,
        forceTooSoon: 45011,
        boundaryIncluded: true,
        garbageErrcode: 40014,
        tokensSurviveReset: false,
        lifeS: 6_000,
      },
      steps: [
        {
          atMs: 431_692,
          do: 'refuse a path',
          path: 0,
          forMs: 86_400_000,
          errcode: 40014,
          revokeAfterMs: undefined,
        },
        { atMs: 12_225_334, do: 'keeper pauses in a fetch', keeper: 0, forMs: 18_540 },
      ],
    },
  },
  {
    story:
      'after a button that met an account without forced refreshes nothing was renewed until the token had died',
    script: {
      seed: 20_380,
      endMs: 4 * HOUR_MS,
      sizes: { ...SIZES, hubs: 1, store: 'disk', paths: 60, callEveryMs: 20_000, platformMs: 124 },
      knobs: { ...KNOBS, forceOverlapMs: 60_000 },
      steps: [
        { atMs: 120_000, do: 'foreign fetch', force: true, times: 20, everyMs: 31_000 },
        { atMs: 7_500_000, do: 'button', hub: 0 },
      ],
    },
  },
  {
    story: 'a hub whose clock was set counted each forced refresh twice, and then had none left',
    script: {
      seed: 9322,
      endMs: 4 * HOUR_MS,
      sizes: { ...SIZES, sidecars: 8, paths: 60, callEveryMs: 20_000, platformMs: 30 },
      knobs: { ...KNOBS, overlapMs: 300_000, forceTooSoon: 45011, tokensSurviveReset: false },
      steps: [
        { atMs: 1_000_000, do: 'revoke the token', times: 8, everyMs: 200_000 },
        { atMs: 5_400_000, do: 'clock is set', host: 'hub-0', byMs: 60_000 },
        { atMs: 5_600_000, do: 'clock is set', host: 'hub-0', byMs: 60_000 },
        { atMs: 6_000_000, do: 'revoke the token', times: 1, everyMs: 0 },
      ],
    },
  },
];
