import { randomBytes } from 'node:crypto';

/** Chance as an argument: a fraction in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = () => randomBytes(4).readUInt32LE() / 2 ** 32;

/** The same fractions for the same seed (mulberry32), for the simulator and for tests. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
