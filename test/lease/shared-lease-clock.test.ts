import test from 'ava';
import { Secret } from '../../src/base/secret.ts';
import { given, makeFakeIssuer, ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { makeHolder, SharedMemory } from '../support/shared-store.ts';

const APPID = 'wx0123456789abcdef';
const HOUR_MS = 3_600_000;

test('a store whose clock is set back does not lengthen the lifetime of our token', async (t) => {
  const clock = new ManualClock();
  const memory = new SharedMemory(clock);
  const issuer = makeFakeIssuer();
  const app = { appid: APPID, secret: new Secret('s'), mode: 'stable' } as const;
  const { keepers } = makeHolder('a', memory, { app, issuer, clock });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(1_000);
      await ripple();
    }
  };
  keepers.start();
  await ripple();
  await issuer.fetches[0]?.answer(given('first'));
  const before = keepers.peek(APPID)?.expiresAtMs ?? 0;
  await pass(HOUR_MS);
  memory.aheadMs = -3 * HOUR_MS;
  memory.places = new Map();
  await pass(30_000);
  t.is(keepers.peek(APPID)?.expiresAtMs, before);
  t.is(issuer.fetches.length, 1);
  // It was published again with the dates of that clock.
  const [place] = memory.places.values();
  const published = (place?.record?.expiresAtUnixMs ?? 0) - memory.aheadMs;
  t.true(Math.abs(published - before) <= 1_000);
});
