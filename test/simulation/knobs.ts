import type { TokenMode } from '../../src/token/token.ts';
import type { Chance } from './chance.ts';

/** What nobody outside the platform knows for certain: each seed turns these otherwise. */
export interface Knobs {
  /** For how long an overwritten token still works. */
  readonly overlapMs: number;
  /** The same after a forced refresh. */
  readonly forceOverlapMs: number;
  /** What a force within 30 s of the last one returns, and one over the 20 of a day. */
  readonly forceTooSoon: 'current' | 45011;
  readonly forceTooMany: 'current' | 45009;
  /** Whether a stable token with exactly 300 s left is renewed. */
  readonly boundaryIncluded: boolean;
  /** What a token gets that the platform has never given, or does not remember. */
  readonly garbageErrcode: 40001 | 40014;
  readonly tokensSurviveReset: boolean;
  /** Whether getticket repeats the ticket while it lives. */
  readonly ticketRepeats: boolean;
  /** The life of new tokens, in seconds; changes while the world runs. */
  readonly lifeS: number;
}

export interface Sizes {
  readonly mode: TokenMode;
  readonly hubs: number;
  readonly sidecars: number;
  /** `own`: no hub; each sidecar keeps the account itself, and there is one. */
  readonly store: 'shared' | 'memory' | 'disk';
  /** Paths that are called, some of the platform's list and some unknown. */
  readonly paths: number;
  /** Between two calls of a sidecar, on average. */
  readonly callEveryMs: number;
  readonly platformMs: number;
}

export function drawKnobs(chance: Chance): Knobs {
  return {
    overlapMs: chance.one([0, 60_000, 300_000, 300_000, 600_000]),
    forceOverlapMs: chance.one([0, 0, 60_000, 300_000]),
    forceTooSoon: chance.one(['current', 'current', 45011]),
    forceTooMany: chance.one(['current', 45009]),
    boundaryIncluded: chance.happens(0.5),
    garbageErrcode: chance.one([40001, 40014]),
    tokensSurviveReset: chance.happens(0.5),
    ticketRepeats: chance.happens(0.5),
    lifeS: chance.one([7_200, 7_200, 7_200, 6_000, 3_600, 1_800, 900]),
  };
}

export function drawSizes(chance: Chance): Sizes {
  const mode = chance.one(['stable', 'classic'] as const);
  const hubs = chance.one([0, 1, 2, 2, 2, 3]);
  const store = hubs > 1 ? 'shared' : chance.one(['memory', 'disk', 'shared'] as const);
  const isBusy = chance.happens(0.2);
  return {
    mode,
    hubs,
    sidecars: hubs === 0 ? 1 : chance.whole(1, isBusy ? 4 : 10),
    store: hubs === 0 && store === 'shared' ? 'memory' : store,
    paths: chance.one([1, 3, 5, 10, 60]),
    callEveryMs: isBusy ? chance.spread(3_000, 30_000) : chance.spread(60_000, 900_000),
    platformMs: chance.spread(15, 400),
  };
}
