import test from 'ava';
import { makeToken } from '../../src/token/token.ts';
import { busy, freshToken, Life, ModelPlatform, type Platform } from '../support/life.ts';

/** A platform whose tokens live this long, and that refuses none of them. */
function granting(lifeMs: () => number): Platform {
  return ({ kind, round }, { nowMs }) =>
    kind === 'probe'
      ? { kind: 'probed', round, outcome: 'accepted' }
      : { kind: 'fetched', round, token: freshToken(nowMs, lifeMs()) };
}

const DAY_MS = 24 * 3_600_000;

/** How many fetches follow each other within less than 30 s, after the first three. */
function tooSoon(life: Life): number {
  const atMs = life.rounds.filter(({ round }) => round.kind === 'fetch').map((round) => round.atMs);
  return atMs.filter((at, i) => i >= 3 && at - (atMs[i - 1] ?? 0) < 30_000).length;
}

for (const mode of ['stable', 'classic'] as const) {
  for (const lifeMs of [1, 900, 1_000, 3_000, 4_999]) {
    test(`after three ${mode} lifetimes of ${lifeMs} ms in a row fetches are 30 s apart, whoever asks`, (t) => {
      const life = new Life(
        mode,
        granting(() => lifeMs),
      ).begin();
      for (let call = 0; call < 3_000; call += 1) {
        life.do({ kind: 'wake' });
        life.do({ kind: 'demanded' });
        life.report();
        if (call % 50 === 0) life.do({ kind: 'manual' });
        life.pass(100);
      }
      t.is(tooSoon(life), 0);
      const fetches = life.asked().filter((asked) => asked !== 'probe').length;
      t.true(fetches >= 11 && fetches <= 14, `${fetches} fetches in five minutes`);
    });
  }
}

test('a day of very short-lived tokens costs fewer than 3,000 fetches, which continue', (t) => {
  const life = new Life(
    'classic',
    granting(() => 1),
  ).begin();
  life.pass(DAY_MS);
  t.true(life.rounds.length > 2_000 && life.rounds.length < 3_000, `${life.rounds.length} fetches`);
  t.is(tooSoon(life), 0);
});

test('the same token with a slightly later expiry each time is spaced too', (t) => {
  for (const lifeMs of [1, 1_000, 4_000]) {
    const life = new Life('stable', ({ round }, { nowMs }) => ({
      kind: 'fetched',
      round,
      token: makeToken('the-only-token', nowMs, lifeMs),
    })).begin();
    life.pass(60_000);
    const sinceMs = life.nowMs;
    life.pass(300_000);
    const fetches = life.asked(sinceMs).length;
    t.true(fetches >= 9 && fetches <= 11, `${fetches} fetches in five minutes at ${lifeMs} ms`);
  }
});

test('the rest of one lifetime does not count as another short one', (t) => {
  const platform = new ModelPlatform(8_000);
  const life = new Life('stable', platform.answer).begin();
  life.pass(3_500);
  for (let look = 0; look < 10; look += 1) {
    life.pass(300);
    life.do({ kind: 'manual' });
    // Manual asks are forced at first; only normal ones return the same token.
    life.state = { ...life.state, usedAtMs: { ...life.state.usedAtMs, stable: fullLedger(life.nowMs) } };
  }
  t.is(life.state.phase.kind, 'idle');
  t.is(life.state.spacing.shortLives, 0);
});

function fullLedger(nowMs: number): readonly number[] {
  return Array.from({ length: 20 }, () => nowMs);
}

test('a lifetime of 5 s ends the spacing, and so does a change of the settings', (t) => {
  let lifeMs = 1_000;
  const life = new Life(
    'classic',
    granting(() => lifeMs),
  ).begin();
  life.pass(10_000);
  t.is(life.state.phase.kind, 'resting');
  const sinceMs = life.nowMs;
  life.do({ kind: 'reconfigured' });
  t.deepEqual(life.asked(sinceMs), ['fetch']);
  life.pass(10_000);
  t.is(life.state.phase.kind, 'resting');
  lifeMs = 5_000;
  life.pass(30_000);
  const recoveredMs = life.nowMs;
  life.pass(60_000);
  t.true(life.asked(recoveredMs).length > 10);
});

test('a fetch that fails while fetches are spaced is followed by the next 30 s later', (t) => {
  let failing = false;
  const life = new Life('classic', ({ round }, { nowMs }) =>
    failing
      ? { kind: 'fetchFailed', round, diagnosis: busy }
      : { kind: 'fetched', round, token: freshToken(nowMs, 1) },
  ).begin();
  life.pass(10_000);
  failing = true;
  life.pass(600_000);
  t.is(tooSoon(life), 0);
});

test('short-lived tokens that another process fetched count', (t) => {
  const life = new Life(
    'stable',
    granting(() => 1),
  ).begin();
  const sinceMs = life.nowMs;
  for (let theirs = 0; theirs < 2; theirs += 1) {
    life.nowMs += 10;
    life.do({ kind: 'adopted', token: freshToken(life.nowMs - 5, 1), forcedAtMs: [] });
  }
  life.pass(29_000);
  t.deepEqual(life.asked(sinceMs), ['fetch']);
  life.pass(5_000);
  t.deepEqual(life.asked(sinceMs), ['fetch', 'fetch']);
});

test('while fetches are spaced, the diagnosis says how long the platform’s tokens live', (t) => {
  for (const [lifeMs, words] of [
    [1, /live for less than one second \(expires_in\)/],
    [3_000, /live for 3 s \(expires_in\)/],
  ] as const) {
    const life = new Life(
      'classic',
      granting(() => lifeMs),
    ).begin();
    life.pass(20_000);
    const { phase } = life.state;
    t.is(phase.kind, 'resting');
    t.regex(phase.kind === 'resting' ? phase.diagnosis.message : '', words);
  }
});
