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
    isSealed: false,
    forcedAtUnixMs: [],
    turn: ours,
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
    ledgerUnixMs: [],
    ...more,
  });
}

const cases: readonly [string, Decision, Decision][] = [
  ['in our turn we fetch', decided(seen()), { kind: 'fetch' }],
  ['in another’s turn we wait', decided(seen({ turn: theirs })), { kind: 'wait', forMs: 500 }],
  [
    'a turn that is about to end is not waited for longer',
    decided(seen({ turn: { isOurs: false, leftMs: 100 } })),
    { kind: 'wait', forMs: 100 },
  ],
  ['a later token makes a fetch needless', decided(seen({ record: second })), { kind: 'needless' }],
  [
    'a later token is no news in another’s turn either',
    decided(seen({ record: second, turn: theirs })),
    { kind: 'needless' },
  ],
  [
    'the first token that is found makes a fetch needless',
    decided(seen(), { known: undefined }),
    { kind: 'needless' },
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
    decided(seen({ turn: theirs }), { mode: 'stable', waitedMs: 1_000 }),
    { kind: 'fetchAlone' },
  ],
  [
    'but to force it waits',
    decided(seen({ turn: theirs }), { mode: 'stable', force: true, waitedMs: 9_000 }),
    { kind: 'wait', forMs: 500 },
  ],
  ['and classic waits', decided(seen({ turn: theirs }), { waitedMs: 9_000 }), { kind: 'wait', forMs: 500 }],
  ['without the store classic fetches nothing', decided({ kind: 'away' }), { kind: 'withhold', why: 'away' }],
  [
    'without the store stable fetches alone',
    decided({ kind: 'away' }, { mode: 'stable' }),
    { kind: 'fetchAlone' },
  ],
  [
    'and forces where the ledger is known',
    decided({ kind: 'away' }, { mode: 'stable', force: true }),
    { kind: 'fetchAlone' },
  ],
  [
    'but not where it is not',
    decided({ kind: 'away' }, { mode: 'stable', force: true, ledgerUnixMs: undefined }),
    { kind: 'withhold', why: 'ledger' },
  ],
  [
    'a live token under another key is not overwritten',
    decided(seen({ isSealed: true })),
    { kind: 'withhold', why: 'sealed' },
  ],
  [
    'stable then goes on alone',
    decided(seen({ isSealed: true }), { mode: 'stable' }),
    { kind: 'fetchAlone' },
  ],
  [
    'a dead one is',
    decided(seen({ isSealed: true, record: { ...first, expiresAtUnixMs: NOW } })),
    { kind: 'fetch' },
  ],
  [
    'what others forced within thirty seconds is not forced again',
    decided(seen({ forcedAtUnixMs: [NOW - 29_000] }), { mode: 'stable', force: true }),
    { kind: 'needless' },
  ],
  [
    'later it is',
    decided(seen({ forcedAtUnixMs: [NOW - 31_000] }), { mode: 'stable', force: true }),
    { kind: 'fetch' },
  ],
];

for (const [title, actual, expected] of cases) test(title, (t) => t.deepEqual(actual, expected));

test('the twenty-first forced refresh of a day is not made, whoever made the others', (t) => {
  const forcedAtUnixMs = Array.from({ length: 10 }, (_, hour) => NOW - (hour + 1) * 3_600_000).toReversed();
  const ledgerUnixMs = forcedAtUnixMs.map((atMs) => atMs - 1_800_000);
  const store = seen({ forcedAtUnixMs });
  t.deepEqual(decided(store, { mode: 'stable', force: true }), { kind: 'fetch' });
  t.deepEqual(decided(store, { mode: 'stable', force: true, ledgerUnixMs }), { kind: 'needless' });
});
