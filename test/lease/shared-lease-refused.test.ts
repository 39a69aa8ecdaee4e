import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import type { SharedRecords } from '../../src/store/shared-records.ts';
import { SharedLease } from '../../src/lease/shared-lease.ts';
import type { Lease } from '../../src/token/lease.ts';
import { makeToken } from '../../src/token/token.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const APPID = 'wx0123456789abcdef';

const SEEN = { kind: 'seen', isUndecryptable: false, forcedAtUnixMs: [] } as const;

/** A store in which nobody else has the lease. */
function recordsOf(clock: ManualClock): SharedRecords {
  return {
    read: () => Promise.resolve({ ...SEEN, nowUnixMs: clock.unixMs() }),
    acquire: () =>
      Promise.resolve({
        ...SEEN,
        nowUnixMs: clock.unixMs(),
        lease: { isOurs: true, leftMs: 8_000 },
        generation: 5,
      }),
    renew: () => Promise.resolve('ours'),
    release: () => Promise.resolve(),
    publish: () => Promise.resolve('stored'),
    addForced: () => Promise.resolve(true),
    doubt: () => Promise.resolve(),
    listen() {},
    close: () => Promise.resolve(),
  };
}

function leaseOn(records: SharedRecords, clock: ManualClock): SharedLease {
  return new SharedLease({
    account: { appid: APPID, mode: 'stable' },
    holder: 'a',
    owner: 'a/1',
    records,
    clock,
    random: () => 0.5,
    log: silentLog,
    onShared() {},
  });
}

function release(lease: Lease): void {
  if (lease.kind === 'acquired') lease.release();
}

test('a store that records no forced refresh is not asked for ever', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const records: SharedRecords = {
    ...recordsOf(clock),
    addForced: () => {
      asked += 1;
      return Promise.resolve(false);
    },
  };
  const lease = leaseOn(records, clock);
  t.teardown(() => lease.close());
  let got: Lease | undefined;
  void lease.acquire(true).then((it) => (got = it));
  for (let turn = 0; turn < 20 && got === undefined; turn += 1) {
    await ripple();
    clock.advance(1);
  }
  t.like(got, { kind: 'denied', reason: 'forced_unrecorded' });
  t.is(asked, 2);
  // What needs no record goes on.
  t.is((await lease.acquire(false)).kind, 'acquired');
});

for (const isFirstReleased of [true, false]) {
  const order = isFirstReleased ? 'released, and acquired again' : 'acquired again, and then released';
  test(`a lease that is ${order} while a publication is slow is not lost`, async (t) => {
    const clock = new ManualClock();
    let store: (outcome: 'stored') => void = () => {};
    const stored = new Promise<'stored'>((resolve) => (store = resolve));
    let releases = 0;
    const records: SharedRecords = {
      ...recordsOf(clock),
      publish: () => stored,
      release: () => Promise.resolve(void (releases += 1)),
    };
    const lease = leaseOn(records, clock);
    t.teardown(() => lease.close());
    const first = await lease.acquire(false);
    lease.save(makeToken('first', clock.monotonicMs(), 7_200_000));
    if (isFirstReleased) release(first);
    const next = lease.acquire(false);
    if (!isFirstReleased) release(first);
    const second = await next;
    store('stored');
    await ripple();
    t.is(releases, 0);
    release(second);
    await ripple();
    t.is(releases, 1);
  });
}

test('a store that refuses a token but does not show a newer one is not asked endlessly', async (t) => {
  const clock = new ManualClock();
  let asked = 0;
  const records: SharedRecords = {
    ...recordsOf(clock),
    async read() {
      asked += 1;
      // A busy loop would let no timer fire, and this test never fail.
      if (asked > 1_000) return new Promise(() => {});
      return { ...SEEN, nowUnixMs: clock.unixMs() };
    },
    // As where somebody else has written something that is no record under a high generation.
    publish: () => Promise.resolve('older'),
  };
  const lease = leaseOn(records, clock);
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
