import test from 'ava';
import { decide, type Decision, RENEW_MS, SETTLE_MS, type Situation } from '../../src/lease/decide.ts';
import type { Seen } from '../../src/store/shared-records.ts';

const NOW = 1_700_000_000_000;
const first = { generation: 10, fingerprint: 'aaaaaaaaaaaaaaaa', expiresAtUnixMs: NOW + 1_000 };
const second = { generation: 20, fingerprint: 'bbbbbbbbbbbbbbbb', expiresAtUnixMs: NOW + 1_000 };
const ours = { isOurs: true, leftMs: 8_000 };
const theirs = { isOurs: false, leftMs: 8_000 };

function seen(more: Partial<Seen> = {}): Seen {
  return {
    kind: 'seen',
    nowUnixMs: NOW,
    record: first,
    isUndecryptable: false,
    forcedAtUnixMs: [],
    lease: ours,
    ...more,
  };
}

function decided(store: Situation['store'], more: Partial<Situation> = {}): Decision {
  return decide({
    mode: 'classic',
    force: false,
    known: first,
    store,
    ageMs: 5,
    waitedMs: 5,
    steadyMs: Infinity,
    forcedAtUnixMs: [],
    ...more,
  });
}

const cases: readonly [string, Decision, Decision][] = [
  ['in our turn we fetch', decided(seen()), { kind: 'fetch' }],
  ['in another’s turn we wait', decided(seen({ lease: theirs })), { kind: 'wait', forMs: 500 }],
  [
    'a turn that is about to end is not waited for longer',
    decided(seen({ lease: { isOurs: false, leftMs: 100 } })),
    { kind: 'wait', forMs: 100 },
  ],
  ['a later token makes a fetch needless', decided(seen({ record: second })), { kind: 'superseded' }],
  [
    'a later token is no news in another’s turn either',
    decided(seen({ record: second, lease: theirs })),
    { kind: 'superseded' },
  ],
  [
    'the first token that is found makes a fetch needless',
    decided(seen(), { known: undefined }),
    { kind: 'superseded' },
  ],
  [
    'a later token that has ended is none',
    decided(seen({ record: { ...second, expiresAtUnixMs: NOW } })),
    { kind: 'fetch' },
  ],
  ['an older token is not taken for a later one', decided(seen(), { known: second }), { kind: 'fetch' }],
  [
    'the same token of a later generation is not another',
    decided(seen({ record: { ...first, generation: 20 } })),
    { kind: 'fetch' },
  ],
  [
    'a turn that we slept on is asked for again',
    decided(seen(), { ageMs: RENEW_MS + 1 }),
    { kind: 'wait', forMs: 20 },
  ],
  [
    'classic waits until a forgotten fetch is over',
    decided(seen(), { steadyMs: SETTLE_MS - 100 }),
    { kind: 'wait', forMs: 100 },
  ],
  ['stable does not', decided(seen(), { mode: 'stable', steadyMs: 0 }), { kind: 'fetch' }],
  [
    'stable does not wait for long',
    decided(seen({ lease: theirs }), { mode: 'stable', waitedMs: 1_000 }),
    { kind: 'fetchAlone' },
  ],
  [
    'but to force it waits',
    decided(seen({ lease: theirs }), { mode: 'stable', force: true, waitedMs: 9_000 }),
    { kind: 'wait', forMs: 500 },
  ],
  ['and classic waits', decided(seen({ lease: theirs }), { waitedMs: 9_000 }), { kind: 'wait', forMs: 500 }],
  [
    'without the store classic fetches nothing',
    decided({ kind: 'unavailable' }),
    { kind: 'deny', why: 'unavailable' },
  ],
  [
    'without the store stable fetches alone',
    decided({ kind: 'unavailable' }, { mode: 'stable' }),
    { kind: 'fetchAlone' },
  ],
  [
    'and forces where the ledger is known',
    decided({ kind: 'unavailable' }, { mode: 'stable', force: true }),
    { kind: 'fetchAlone' },
  ],
  [
    'but not where it is not',
    decided({ kind: 'unavailable' }, { mode: 'stable', force: true, forcedAtUnixMs: undefined }),
    { kind: 'deny', why: 'forced_unknown' },
  ],
  [
    'a live token under another key is not overwritten',
    decided(seen({ isUndecryptable: true })),
    { kind: 'deny', why: 'undecryptable' },
  ],
  [
    'stable then goes on alone',
    decided(seen({ isUndecryptable: true }), { mode: 'stable' }),
    { kind: 'fetchAlone' },
  ],
  [
    'a dead one is',
    decided(seen({ isUndecryptable: true, record: { ...first, expiresAtUnixMs: NOW } })),
    { kind: 'fetch' },
  ],
  [
    'what others forced within thirty seconds is not forced again',
    decided(seen({ forcedAtUnixMs: [NOW - 29_000] }), { mode: 'stable', force: true }),
    { kind: 'superseded' },
  ],
  [
    'later it is',
    decided(seen({ forcedAtUnixMs: [NOW - 31_000] }), { mode: 'stable', force: true }),
    { kind: 'fetch' },
  ],
];

for (const [title, actual, expected] of cases) test(title, (t) => t.deepEqual(actual, expected));

test('the twenty-first forced refresh of a day is not made, whichever hub made the others', (t) => {
  const byUs = Array.from({ length: 10 }, (_, hour) => NOW - (hour + 1) * 3_600_000).toReversed();
  const byOthers = byUs.map((atMs) => atMs - 1_800_000);
  const store = seen({ forcedAtUnixMs: byOthers });
  t.deepEqual(decided(store, { mode: 'stable', force: true }), { kind: 'fetch' });
  t.deepEqual(decided(store, { mode: 'stable', force: true, forcedAtUnixMs: byUs }), { kind: 'superseded' });
});
