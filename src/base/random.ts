import { randomBytes } from 'node:crypto';

/** Randomness as an argument: returns a number in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = () => randomBytes(4).readUInt32LE() / 2 ** 32;

/** Cryptographically random if `random` is `systemRandom`. */
export function randomHex(digits: number, random: Random): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}

/** The same numbers for the same seed (mulberry32), for the simulator and for tests. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An unguessable key: `bytes` random bytes in hex. */
export function randomKey(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
