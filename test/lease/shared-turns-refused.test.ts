import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import type { SharedRecords } from '../../src/store/shared-records.ts';
import { SharedTurns } from '../../src/lease/shared-turns.ts';
import { makeToken } from '../../src/token/token.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const APPID = 'wx0123456789abcdef';

test('a store that refuses what it does not show is not asked again without end', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const nothing = { kind: 'seen', isSealed: false, forcedAtUnixMs: [] } as const;
  const records = {
    async read() {
      asked += 1;
      // A busy loop would let no timer fire, and this test never fail.
      if (asked > 1_000) return new Promise(() => {});
      return { ...nothing, nowUnixMs: clock.wallMs() };
    },
    take: () =>
      Promise.resolve({
        ...nothing,
        nowUnixMs: clock.wallMs(),
        turn: { isOurs: true, leftMs: 8_000 },
        generation: 5,
      }),
    keep: () => Promise.resolve('ours'),
    release: () => Promise.resolve(),
    // As where somebody else has written something that is no record under a high generation.
    publish: () => Promise.resolve('older'),
    charge: () => Promise.resolve(true),
    doubt: () => Promise.resolve(),
    listen() {},
    close: () => Promise.resolve(),
  } satisfies SharedRecords;
  const turns = new SharedTurns({
    account: { appid: APPID, mode: 'stable' },
    holder: 'a',
    owner: 'a/1',
    records,
    clock,
    random: () => 0.5,
    log: silentLog,
    heard() {},
  });
  t.teardown(() => turns.close());
  t.is((await turns.take(false)).kind, 'ours');
  turns.save(makeToken('first', clock.lifeMs(), 7_200_000));
  await ripple();
  for (let seconds = 0; seconds < 60; seconds += 1) {
    clock.advance(1_000);
    await ripple();
  }
  t.true(asked <= 20, `${asked} questions in a minute`);
});
