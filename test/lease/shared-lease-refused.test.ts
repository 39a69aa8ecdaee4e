import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import type { SharedRecords } from '../../src/store/shared-records.ts';
import { SharedLease } from '../../src/lease/shared-lease.ts';
import { makeToken } from '../../src/token/token.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const APPID = 'wx0123456789abcdef';

test('a store that refuses a token but does not show a newer one is not asked endlessly', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const nothing = { kind: 'seen', isUndecryptable: false, forcedAtUnixMs: [] } as const;
  const records = {
    async read() {
      asked += 1;
      // A busy loop would let no timer fire, and this test never fail.
      if (asked > 1_000) return new Promise(() => {});
      return { ...nothing, nowUnixMs: clock.unixMs() };
    },
    acquire: () =>
      Promise.resolve({
        ...nothing,
        nowUnixMs: clock.unixMs(),
        lease: { isOurs: true, leftMs: 8_000 },
        generation: 5,
      }),
    renew: () => Promise.resolve('ours'),
    release: () => Promise.resolve(),
    // As where somebody else has written something that is no record under a high generation.
    publish: () => Promise.resolve('older'),
    addForced: () => Promise.resolve(true),
    doubt: () => Promise.resolve(),
    listen() {},
    close: () => Promise.resolve(),
  } satisfies SharedRecords;
  const lease = new SharedLease({
    account: { appid: APPID, mode: 'stable' },
    holder: 'a',
    owner: 'a/1',
    records,
    clock,
    random: () => 0.5,
    log: silentLog,
    onShared() {},
  });
  t.teardown(() => lease.close());
  t.is((await lease.acquire(false)).kind, 'acquired');
  lease.save(makeToken('first', clock.monotonicMs(), 7_200_000));
  await ripple();
  for (let seconds = 0; seconds < 60; seconds += 1) {
    clock.advance(1_000);
    await ripple();
  }
  t.true(asked <= 20, `${asked} questions in a minute`);
});
