import test from 'ava';
import { isDoubted } from '../../src/token/doubt.ts';
import { busy, freshToken, Life, ModelPlatform } from '../support/life.ts';

function living(mode: 'stable' | 'classic'): { life: Life; platform: ModelPlatform } {
  const platform = new ModelPlatform();
  return { life: new Life(mode, platform.answer).begin(), platform };
}

test('a later token of another process is served, unless it has expired', (t) => {
  const { life } = living('stable');
  const current = life.token();
  life.nowMs += 10_000;
  life.do({ kind: 'adopted', token: freshToken(life.nowMs - 5_000, 4_000), forcedAtMs: [] });
  t.is(life.token(), current);
  // Which of two is later is not told by our clock: the other holder's may be behind.
  const later = freshToken(life.nowMs - 60_000);
  life.do({ kind: 'adopted', token: later, forcedAtMs: [] });
  t.is(life.token(), later);
});

test('forced refreshes of other processes count for us too', (t) => {
  const { life, platform } = living('stable');
  const forcedAtMs = Array.from({ length: 20 }, (_, hour) => life.nowMs - (hour + 1) * 3_600_000);
  life.do({ kind: 'adopted', forcedAtMs });
  t.is(life.state.usedAtMs.stable.length, 20);
  platform.dead.add(life.token().fingerprint);
  life.report();
  t.false(life.asked().includes('force'));
  t.is(life.state.phase.kind, 'rationed');
});

test('forced refreshes count once, even if our clock is set between two readings of the store', (t) => {
  const { life } = living('stable');
  const forcedAtMs = [life.nowMs - 700_000, life.nowMs - 100_000];
  life.do({ kind: 'adopted', forcedAtMs });
  const moved = forcedAtMs.map((atMs) => atMs + 60_000);
  // Our last one may count twice until the next reading.
  for (let reading = 0; reading < 2; reading += 1) life.do({ kind: 'adopted', forcedAtMs: moved });
  t.deepEqual(life.state.usedAtMs.stable, moved);
});

test('a round that another process made unnecessary requests nothing, and returns its quota', (t) => {
  const life = new Life('classic').begin();
  life.do({ kind: 'fetched', round: 1, token: freshToken(life.nowMs) });
  life.report(40001);
  life.do({ kind: 'probed', round: 2, outcome: 'refused' });
  t.is(life.state.usedAtMs.classic.length, 1);
  const theirs = freshToken(life.nowMs);
  life.do({ kind: 'yielded', round: 3, token: theirs, forcedAtMs: [] });
  t.is(life.token(), theirs);
  t.is(life.state.phase.kind, 'idle');
  t.false(isDoubted(life.state.doubt));
  t.deepEqual(life.state.usedAtMs.classic, []);
});

test('a forced refresh that another process has just made is not made again', (t) => {
  const { life, platform } = living('stable');
  platform.dead.add(life.token().fingerprint);
  life.platform = (round, it) =>
    round.kind === 'fetch' && round.force ? undefined : platform.answer(round, it);
  life.report();
  const forcedAtMs = [life.nowMs - 10_000];
  life.do({ kind: 'yielded', round: life.state.rounds, forcedAtMs });
  t.deepEqual(life.state.usedAtMs.stable, forcedAtMs);
  t.like(life.state.phase, { kind: 'rationed', untilMs: life.nowMs + 20_000, next: 'fetch' });
});

test('a probe that another process made unnecessary causes no second look', (t) => {
  const life = new Life('classic').begin();
  life.do({ kind: 'fetched', round: 1, token: freshToken(life.nowMs) });
  life.report(40001);
  const theirs = freshToken(life.nowMs);
  life.do({ kind: 'adopted', token: theirs, forcedAtMs: [] });
  life.do({ kind: 'yielded', round: 2, forcedAtMs: [] });
  t.is(life.token(), theirs);
  t.is(life.state.phase.kind, 'idle');
  t.deepEqual(life.asked(), ['fetch', 'probe']);
});

test('the yield of an earlier round changes nothing', (t) => {
  const { life } = living('stable');
  const { state } = life;
  life.do({ kind: 'yielded', round: 1, token: freshToken(life.nowMs), forcedAtMs: [] });
  t.is(life.state, state);
});

test('a request that was never sent uses no quota', (t) => {
  const life = new Life('classic').begin();
  life.do({ kind: 'fetched', round: 1, token: freshToken(life.nowMs) });
  life.report(40001);
  life.do({ kind: 'probed', round: 2, outcome: 'refused' });
  life.do({ kind: 'fetchFailed', round: 3, diagnosis: { ...busy, recheckMs: 5_000 }, unused: true });
  t.deepEqual(life.state.usedAtMs.classic, []);
  t.is(life.state.phase.kind, 'resting');
});

test('a publication before the store has responded has no effect yet', (t) => {
  const life = new Life('stable');
  const { state } = life;
  life.do({ kind: 'adopted', token: freshToken(life.nowMs), forcedAtMs: [life.nowMs - 1_000] });
  t.is(life.state, state);
  t.is(life.state.phase.kind, 'loading');
});

test('a secret that changed while a round was yielded is tried immediately', (t) => {
  const life = new Life('classic').begin();
  life.do({ kind: 'reconfigured' });
  const theirs = freshToken(life.nowMs);
  life.do({ kind: 'yielded', round: 1, token: theirs, forcedAtMs: [] });
  t.is(life.token(), theirs);
  t.like(life.state.phase, { kind: 'fetching', trigger: 'manual', round: 2 });
});

test('known forced refreshes change nothing, and a new one does', (t) => {
  const { life } = living('stable');
  const forcedAtMs = [life.nowMs - 200_000, life.nowMs - 100_000];
  life.do({ kind: 'adopted', forcedAtMs });
  const { state } = life;
  life.do({ kind: 'adopted', forcedAtMs });
  t.is(life.state, state);
  // As many, but another one at the beginning: an older one that we have never heard of.
  life.do({ kind: 'adopted', forcedAtMs: [life.nowMs - 300_000, ...forcedAtMs] });
  t.is(life.state.usedAtMs.stable.length, 3);
  // The same by an estimate of the store's clock that is a little behind.
  const before = life.state;
  life.do({ kind: 'adopted', forcedAtMs: [-300_000, -200_000, -100_000].map((ms) => life.nowMs + ms - 90) });
  t.is(life.state, before);
});

test('a token that expires during a look is fetched without a probe', (t) => {
  const life = new Life('stable').begin();
  const token = freshToken(life.nowMs, 10_000);
  life.do({ kind: 'fetched', round: 1, token });
  life.report();
  life.nowMs = token.expiresAtMs;
  const again = { ...token, expiresAtMs: life.nowMs };
  life.do({ kind: 'fetched', round: 2, token: again });
  t.deepEqual(life.asked(), ['fetch', 'fetch', 'fetch']);
});
