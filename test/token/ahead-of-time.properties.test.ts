import test from 'ava';
import * as fc from 'fast-check';
import { wakeAtMs } from '../../src/token/state.ts';
import type { TokenMode } from '../../src/token/token.ts';
import { Life, ModelPlatform } from '../support/life.ts';

/** How much of a token of this life is left when its renewal begins. */
function leftMsAtRenewal(mode: TokenMode, lifeMs: number, chance: number): number {
  const life = new Life(mode, new ModelPlatform(lifeMs).answer, () => chance).begin();
  return life.token().expiresAtMs - (wakeAtMs(life.state) ?? 0);
}

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
/** Down to lives so short that the spacing of renewals counts for more than the share of the life. */
const lifeMs = fc.oneof(
  fc.integer({ min: 5_000, max: 100_000 }),
  fc.integer({ min: 5_000, max: 86_400_000 }),
);
/** Moments are large numbers, whose differences are rounded. */
const ROUNDING_MS = 0.001;

test('a stable token is renewed once fewer than 300 s are left, and in its last 15 % at the earliest', (t) => {
  fc.assert(
    fc.property(lifeMs, chance, (life, random) => {
      const leftMs = leftMsAtRenewal('stable', life, random);
      return leftMs > 0 && leftMs < 300_000 && leftMs <= 0.15 * life + ROUNDING_MS;
    }),
  );
  t.pass();
});

test('a classic token is renewed with at most 2,100 s left, and in its last 30 % at the earliest', (t) => {
  fc.assert(
    fc.property(lifeMs, chance, (life, random) => {
      const leftMs = leftMsAtRenewal('classic', life, random);
      return leftMs > 0 && leftMs <= 2_100_000 + ROUNDING_MS && leftMs <= 0.3 * life + ROUNDING_MS;
    }),
  );
  t.pass();
});

test('a classic token that lives for 6,000 s or more has 1,800 s left when its renewal begins', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 6_000_000, max: 86_400_000 }), chance, (life, random) => {
      return leftMsAtRenewal('classic', life, random) >= 1_800_000 - ROUNDING_MS;
    }),
  );
  t.pass();
});

test('two processes with tokens of two hours do not renew at the same moment', (t) => {
  for (const mode of ['stable', 'classic'] as const) {
    const spreadMs = leftMsAtRenewal(mode, 7_200_000, 0) - leftMsAtRenewal(mode, 7_200_000, 0.999);
    t.true(spreadMs > 25_000, `${mode}: ${spreadMs} ms`);
  }
});
