import test from 'ava';
import fc from 'fast-check';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { generationOf, learn, type Learned, sharedOf, type StoreView } from '../../src/lease/store-view.ts';
import type { SharedRecord, Snapshot, StoreUnavailable } from '../../src/store/shared-records.ts';

/** The time of the first answer, on our monotonic clock. */
const START_MS = 1_000_000;
const LIFE_MS = 7_200_000;

const NEW: StoreView = {
  link: { kind: 'unavailable', wasConnected: false },
  offsetMs: 0,
  forcedAtUnixMs: undefined,
  held: undefined,
};

interface Said {
  readonly isThere: boolean;
  readonly generation: number;
  readonly ageMs: number;
  readonly isUndecryptable: boolean;
  readonly aheadMs: number;
  readonly forcedAgoMs: readonly number[];
  readonly afterMs: number;
  readonly tookMs: number;
}

const said: fc.Arbitrary<Said> = fc.record({
  isThere: fc.boolean(),
  generation: fc.integer({ min: 0, max: 6 }),
  ageMs: fc.integer({ min: -600_000, max: LIFE_MS * 2 }),
  isUndecryptable: fc.boolean(),
  aheadMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
  forcedAgoMs: fc.array(fc.integer({ min: -3_600_000, max: 86_400_000 }), { maxLength: 4 }),
  afterMs: fc.integer({ min: 1, max: 60_000 }),
  tookMs: fc.integer({ min: 0, max: 1_000 }),
});

function recordOf(generation: number, issuedAtUnixMs: number): SharedRecord {
  const value = new Secret(`token-of-generation-${generation}`);
  const fingerprint = fingerprintOf(value.reveal());
  return { generation, value, fingerprint, issuedAtUnixMs, expiresAtUnixMs: issuedAtUnixMs + LIFE_MS };
}

function answer(it: Said, nowMs: number): Snapshot | StoreUnavailable {
  if (!it.isThere) return { kind: 'unavailable' };
  const nowUnixMs = nowMs + it.aheadMs;
  const record = it.generation === 0 ? undefined : recordOf(it.generation, nowUnixMs - it.ageMs);
  return {
    kind: 'seen',
    nowUnixMs,
    forcedAtUnixMs: it.forcedAgoMs.map((agoMs) => nowUnixMs - agoMs).toSorted((a, b) => a - b),
    isUndecryptable: it.isUndecryptable && record !== undefined,
    ...(record !== undefined && { record }),
    ...(record !== undefined && !it.isUndecryptable && { readable: record }),
  };
}

/** Each answer in turn, with the view before it. */
function history(all: readonly Said[]): { it: Said; before: StoreView; learned: Learned; nowMs: number }[] {
  let view = NEW;
  let nowMs = START_MS;
  return all.map((it) => {
    nowMs += it.afterMs;
    const askedAtMs = nowMs;
    nowMs += it.tookMs;
    const before = view;
    const learned = learn(before, { seen: answer(it, nowMs), askedAtMs, nowMs });
    view = learned.view;
    return { it, before, learned, nowMs };
  });
}

function holds(name: string, check: (step: ReturnType<typeof history>[number]) => boolean): void {
  test(name, (t) => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 12 }), (all) => history(all).every((step) => check(step))),
      { numRuns: 500 },
    );
    t.pass();
  });
}

holds(
  'whatever a store answers, the generation that we hold only grows',
  ({ before, learned }) => generationOf(learned.view) >= generationOf(before),
);

holds('a later token that can be read is taken over, and is news', ({ it, before, learned }) => {
  if (!it.isThere || it.isUndecryptable || it.generation <= generationOf(before)) return true;
  return generationOf(learned.view) === it.generation && learned.news?.token !== undefined;
});

holds('a token that cannot be read replaces nothing', ({ it, before, learned }) => {
  if (!it.isThere || !it.isUndecryptable) return true;
  return learned.view.held?.record === before.held?.record && learned.news?.token === undefined;
});

holds('nothing that another clock has dated ahead is issued after now', ({ learned, nowMs }) => {
  return (learned.view.held?.issuedAtMs ?? -Infinity) <= nowMs;
});

holds('a forced refresh is never dated after now by the clock of the store', ({ learned, nowMs }) => {
  const nowUnixMs = nowMs + learned.view.offsetMs;
  return (learned.view.forcedAtUnixMs ?? []).every((atMs) => atMs <= nowUnixMs + 1);
});

holds('an answer is missing: nothing is news, and the token is still held', ({ it, before, learned }) => {
  if (it.isThere) return true;
  return learned.news === undefined && learned.view.held === before.held && !learned.isBehind;
});

holds('a store that lost what it had is told once, and counts as steady from then on', (step) => {
  const { it, before, learned, nowMs } = step;
  const isLost = it.isThere && before.held?.stored === 'yes' && it.generation < generationOf(before);
  const isTold = learned.events.includes('forgotten');
  if (!isLost) return !isTold;
  return isTold && learned.view.link.kind === 'connected' && learned.view.link.sinceMs === nowMs;
});

holds('only a live token is published again', ({ learned, nowMs }) => {
  const { token } = sharedOf(learned.view);
  return !learned.isBehind || (token !== undefined && token.expiresAtMs > nowMs);
});

holds('a store that comes back counts as steady from now on, one that never left as always', (step) => {
  const { before, learned, nowMs } = step;
  const { link } = learned.view;
  if (link.kind !== 'connected' || before.link.kind === 'connected') return true;
  return before.link.wasConnected || learned.events.includes('forgotten')
    ? link.sinceMs === nowMs
    : link.sinceMs === -Infinity;
});
