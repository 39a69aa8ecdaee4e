import test from 'ava';
import { policyFor } from '../../src/token/policy.ts';
import { wakeAtMs } from '../../src/token/state.ts';
import { isLive, makeToken } from '../../src/token/token.ts';
import { busy, freshToken, Life, ModelPlatform } from '../support/life.ts';

const DAY_MS = 24 * 3_600_000;

function living(mode: 'stable' | 'classic', lifeMs?: number): { life: Life; platform: ModelPlatform } {
  const platform = new ModelPlatform(lifeMs);
  return { life: new Life(mode, platform.answer).begin(), platform };
}

test('the first fetch starts if the store is empty', (t) => {
  const life = new Life('stable');
  const effects = life.do({ kind: 'loaded', forcedAtMs: [] });
  t.deepEqual(effects, [{ kind: 'fetch', round: 1, trigger: 'startup', force: false }]);
});

test('a live token from the store is served without asking the platform', (t) => {
  const life = new Life('stable');
  const token = freshToken(life.nowMs - 1_000_000);
  t.deepEqual(life.do({ kind: 'loaded', token, forcedAtMs: [] }), []);
  t.is(life.state.token, token);
});

test('an expired token from the store is not served', (t) => {
  const life = new Life('stable');
  life.do({ kind: 'loaded', token: freshToken(life.nowMs - 10_000, 5_000), forcedAtMs: [] });
  t.is(life.state.token, undefined);
  t.deepEqual(life.asked(), ['fetch']);
});

for (const [mode, earliestS, latestS] of [
  ['stable', 298, 268],
  ['classic', 2_100, 1_800],
] as const) {
  test(`a ${mode} token of two hours is renewed with ${earliestS} to ${latestS} seconds left`, (t) => {
    for (const chance of [0, 0.5, 0.999]) {
      const life = new Life(mode, new ModelPlatform().answer, () => chance).begin();
      const leftS = (life.token().expiresAtMs - (wakeAtMs(life.state) ?? 0)) / 1_000;
      t.true(leftS < earliestS + 0.001 && leftS >= latestS, `${leftS} s left`);
    }
  });
}

for (const lifeMs of [5_000, 20_000, 60_000, 600_000, 7_200_000]) {
  for (const mode of ['stable', 'classic'] as const) {
    const shareMax = mode === 'stable' ? 0.15 : 0.3;
    test(`a ${mode} token of ${lifeMs / 1_000} s is always live, renewed in its last ${shareMax * 100} %, and not often`, (t) => {
      const { life } = living(mode, lifeMs);
      const startMs = life.nowMs;
      const lives = 50;
      for (let tick = 0; tick < lives * 100; tick += 1) {
        const before = life.token();
        life.pass(lifeMs / 100);
        t.true(isLive(life.token(), life.nowMs));
        if (life.token() !== before && life.token().fingerprint !== before.fingerprint) {
          const share = (before.expiresAtMs - life.token().issuedAtMs) / lifeMs;
          t.true(share <= shareMax + 0.0001, `renewed with ${share} of its life left`);
        }
      }
      t.true(life.asked(startMs).length < lives * 1.6, `${life.asked().length} fetches`);
    });
  }
}

test('a platform that keeps returning the same token is not asked in a tight loop', (t) => {
  const life = new Life('stable', (round, { nowMs }) => ({
    kind: 'fetched',
    round: round.round,
    // Its end does not move until it is reached, as at the boundary of the last 300 s.
    token: makeToken(`same-${Math.floor(nowMs / 7_200_000)}`, nowMs, 7_200_000 - (nowMs % 7_200_000)),
  }));
  life.nowMs = 7_200_000;
  life.begin();
  life.pass(7_199_000);
  const asked = life.asked().length;
  t.true(asked > 5 && asked < 40, `${asked} fetches`);
});

test('while a renewal fails, the old token is served until it expires, and the renewal recovers by itself', (t) => {
  const { life, platform } = living('stable');
  const old = life.token();
  platform.isDown = true;
  life.pass(old.expiresAtMs - life.nowMs - 1);
  t.is(life.token().fingerprint, old.fingerprint);
  t.true(isLive(life.token(), life.nowMs));
  life.pass(100_000);
  t.false(isLive(life.state.token, life.nowMs));
  platform.isDown = false;
  life.pass(60_000);
  t.true(isLive(life.state.token, life.nowMs));
});

test('transient failures are retried with growing delays of at most a minute', (t) => {
  const life = new Life(
    'stable',
    ({ round }) => ({ kind: 'fetchFailed', round, diagnosis: busy }),
    () => 0.999,
  );
  life.begin();
  life.pass(600_000);
  const gaps = life.rounds.slice(1).map(({ atMs }, i) => atMs - (life.rounds[i]?.atMs ?? 0));
  t.deepEqual(
    gaps.slice(0, 7).map((gapMs) => Math.round(gapMs / 1_000)),
    [1, 2, 4, 8, 16, 32, 60],
  );
  t.true(gaps.every((gapMs) => gapMs <= 60_000));
});

test('a configuration error is retried slowly, and callers cause no request meanwhile', (t) => {
  const diagnosis = { errcode: 40125, message: 'wrong secret', recheckMs: 300_000 };
  const life = new Life('stable', ({ round }) => ({ kind: 'fetchFailed', round, diagnosis })).begin();
  for (let call = 0; call < 299; call += 1) {
    life.pass(1_000);
    life.do({ kind: 'wake' });
  }
  t.is(life.rounds.length, 1);
  life.pass(32_000);
  t.is(life.rounds.length, 2);
});

test('a new secret ends the wait after a configuration error immediately', (t) => {
  const diagnosis = { errcode: 40125, message: 'wrong secret', recheckMs: 300_000 };
  const life = new Life('stable', ({ round }) => ({ kind: 'fetchFailed', round, diagnosis })).begin();
  life.platform = new ModelPlatform().answer;
  life.do({ kind: 'reconfigured' });
  t.true(isLive(life.state.token, life.nowMs));
});

test('a new secret that arrives during a fetch with the old one is tried right after it', (t) => {
  const life = new Life('stable').begin();
  life.do({ kind: 'reconfigured' });
  t.is(life.rounds.length, 1);
  life.do({ kind: 'fetchFailed', round: 1, diagnosis: { errcode: 40125, message: '', recheckMs: 300_000 } });
  t.is(life.rounds.length, 2);
  t.is(life.state.phase.kind, 'fetching');
});

test('a report of a token that is not the current one has no effect', (t) => {
  const { life } = living('stable');
  const before = life.state;
  const fingerprint = 'ffffffffffffffff';
  t.deepEqual(life.do({ kind: 'reported', fingerprint, errcode: 40001, key: '/a', succeeded: false }), []);
  t.is(life.state, before);
});

test('a refused stable token that the platform has already replaced costs one normal fetch', (t) => {
  const { life } = living('stable');
  const refused = life.token().fingerprint;
  life.platform = new ModelPlatform().answer;
  const sinceMs = (life.nowMs += 1_000);
  const effects = life.report();
  t.deepEqual(life.asked(sinceMs), ['fetch']);
  t.not(life.token().fingerprint, refused);
  t.deepEqual(effects.slice(-2), [
    { kind: 'concluded', trigger: 'refused', result: 'renewed' },
    { kind: 'looked', outcome: 'refused' },
  ]);
});

test('a refused stable token that is returned again is probed, and replaced by force only if the platform refuses it', (t) => {
  const { life, platform } = living('stable');
  const sinceMs = (life.nowMs += 1_000);
  platform.dead.add(life.token().fingerprint);
  const effects = life.report();
  t.deepEqual(life.asked(sinceMs), ['fetch', 'probe', 'force']);
  t.deepEqual(effects.at(-1), { kind: 'concluded', trigger: 'forced', result: 'renewed' });
});

test('a stable token that the platform accepts is not replaced, and the path is held for longer each time', (t) => {
  const { life } = living('stable');
  const sinceMs = (life.nowMs += 1_000);
  life.report();
  t.deepEqual(life.asked(sinceMs), ['fetch', 'probe']);
  for (const holdMs of [2_000, 4_000, 8_000, 16_000]) {
    life.pass(holdMs - 1);
    const asked = life.asked(sinceMs).length;
    t.deepEqual(life.report(), []);
    life.pass(1);
    life.report();
    t.is(life.asked(sinceMs).length, asked + 2);
  }
});

test('a refused classic token is probed before one of the day’s fetches is spent', (t) => {
  const { life, platform } = living('classic');
  const sinceMs = (life.nowMs += 1_000);
  life.report(40001);
  t.deepEqual(life.asked(sinceMs), ['probe']);
  life.pass(10_000);
  platform.dead.add(life.token().fingerprint);
  life.report(40001);
  t.deepEqual(life.asked(sinceMs), ['probe', 'probe', 'fetch']);
});

test('a classic token that was reported as expired is replaced without a probe only near its expiry', (t) => {
  for (const [leftMs, asked] of [
    [policyFor('classic').marginMs + 1, ['probe']],
    [policyFor('classic').marginMs, ['fetch']],
  ] as const) {
    const { life } = living('classic');
    const sinceMs = (life.nowMs = life.token().expiresAtMs - leftMs);
    life.report(42001);
    t.deepEqual(life.asked(sinceMs), asked);
  }
});

test('a look without a result uses no quota and is repeated', (t) => {
  const { life, platform } = living('classic');
  platform.dead.add(life.token().fingerprint);
  const sinceMs = (life.nowMs += 1_000);
  platform.isDown = true;
  life.report();
  life.pass(30_000);
  t.true(life.asked(sinceMs).every((asked) => asked === 'probe'));
  platform.isDown = false;
  life.pass(60_000);
  t.deepEqual(life.asked(sinceMs).slice(-2), ['probe', 'fetch']);
});

test('if the platform is too busy to replace a refused token, it is asked at growing intervals', (t) => {
  const life = new Life('classic', new ModelPlatform().answer, () => 0.999).begin();
  life.platform = ({ kind, round }) =>
    kind === 'probe'
      ? { kind: 'probed', round, outcome: 'refused' }
      : { kind: 'fetchFailed', round, diagnosis: busy, unused: true };
  life.pass(60_000);
  const sinceMs = life.nowMs;
  life.report();
  life.pass(600_000);
  const looks = life.rounds.filter(({ atMs, round }) => atMs >= sinceMs && round.kind === 'fetch');
  const gaps = looks.slice(1).map(({ atMs }, at) => Math.round((atMs - (looks[at]?.atMs ?? 0)) / 1_000));
  t.deepEqual(gaps.slice(0, 12), [1, 1, 1, 1, 1, 2, 1, 1, 4, 1, 1, 8]);
});

test('three hundred reports of one token cause one round', (t) => {
  const life = new Life('stable').begin();
  life.do({ kind: 'fetched', round: 1, token: freshToken(life.nowMs) });
  for (let caller = 0; caller < 300; caller += 1) life.report();
  t.deepEqual(life.asked(), ['fetch', 'fetch']);
});

test('a report during a renewal ahead of time joins it, and is looked into if the token stays', (t) => {
  const life = new Life('stable').begin();
  const token = freshToken(life.nowMs);
  life.do({ kind: 'fetched', round: 1, token });
  life.pass(7_199_000);
  t.deepEqual(life.asked(), ['fetch', 'fetch']);
  t.deepEqual(life.report(), []);
  life.do({ kind: 'fetched', round: 2, token: makeToken(token.value.reveal(), life.nowMs, 300_000) });
  // That fetch began before the report: it proves nothing.
  t.deepEqual(life.asked(), ['fetch', 'fetch', 'fetch']);
});

test('a second forced refresh waits for the thirty seconds, and is then made', (t) => {
  const { life, platform } = living('stable');
  for (let time = 0; time < 2; time += 1) {
    platform.dead.add(life.token().fingerprint);
    life.report();
  }
  t.is(life.asked().filter((asked) => asked === 'force').length, 1);
  life.pass(29_999);
  t.is(life.asked().filter((asked) => asked === 'force').length, 1);
  life.pass(1);
  t.is(life.asked().filter((asked) => asked === 'force').length, 2);
});

test('at most twenty forced refreshes a day are made, and the next day there are twenty more', (t) => {
  const { life, platform } = living('stable');
  const forced = (): number => life.asked().filter((asked) => asked === 'force').length;
  const quarrel = (): void => {
    for (let minute = 0; minute < 60; minute += 1) {
      platform.dead.add(life.token().fingerprint);
      life.report();
      life.pass(60_000);
    }
  };
  quarrel();
  t.is(forced(), 20);
  life.pass(DAY_MS);
  quarrel();
  t.is(forced(), 40);
});

test('forced refreshes from the store count', (t) => {
  const platform = new ModelPlatform();
  const life = new Life('stable', platform.answer);
  life.do({
    kind: 'loaded',
    forcedAtMs: Array.from({ length: 20 }, (_, i) => life.nowMs - 900_000 + i * 40_000),
  });
  platform.dead.add(life.token().fingerprint);
  life.report();
  t.false(life.asked().includes('force'));
  t.is(life.state.phase.kind, 'rationed');
});

test('forced refreshes that return the same token are repeated at growing intervals', (t) => {
  const token = freshToken(1_000_000);
  const life = new Life('stable', ({ kind, round }, { nowMs }) =>
    kind === 'probe'
      ? { kind: 'probed', round, outcome: 'refused' }
      : { kind: 'fetched', round, token: makeToken(token.value.reveal(), nowMs, token.expiresAtMs - nowMs) },
  ).begin();
  life.report();
  life.pass(3_600_000);
  // After 0, 5, 15 and 35 minutes.
  t.is(life.asked().filter((asked) => asked === 'force').length, 4);
  t.true(life.asked().length < 40);
});

test('a refused token that expires while the quota is used up is still renewed', (t) => {
  const { life, platform } = living('stable');
  life.state = {
    ...life.state,
    usedAtMs: { stable: Array.from({ length: 20 }, () => life.nowMs), classic: [] },
  };
  const refused = life.token();
  platform.dead.add(refused.fingerprint);
  life.report();
  life.pass(7_200_000);
  t.not(life.token().fingerprint, refused.fingerprint);
  t.true(isLive(life.token(), life.nowMs));
});

test('two programs that invalidate each other’s classic tokens do not use up the day’s 2,000 fetches', (t) => {
  const { life, platform } = living('classic');
  for (let second = 0; second < 86_400; second += 1) {
    platform.dead.add(life.token().fingerprint);
    life.report();
    life.pass(1_000);
  }
  const fetches = life.asked().filter((asked) => asked === 'fetch').length;
  t.true(fetches > 200 && fetches < 1_600, `${fetches} fetches`);
});

for (const mode of ['stable', 'classic'] as const) {
  for (const errcode of [40001, 42001]) {
    test(`an hour of ${errcode} from one path on a ${mode} token that the platform accepts costs 14 looks`, (t) => {
      const { life } = living(mode);
      const { looks } = storm(life, 3_600_000, errcode);
      t.is(looks, 14);
      t.false(life.asked().includes('force'));
    });
  }
}

/** Reports of one path, ten a second. */
function storm(life: Life, forMs: number, errcode: number): { looks: number } {
  const sinceMs = life.nowMs;
  while (life.nowMs < sinceMs + forMs) {
    life.report(errcode);
    life.pass(100);
  }
  return { looks: life.asked(sinceMs).filter((asked) => asked === 'probe').length };
}

for (const [what, diagnosis, isWoken] of [
  ['a busy platform', busy, true],
  ['HTTP 429', { ...busy, throttled: true as const }, false],
  ['a wrong secret', { errcode: 40125, message: '', recheckMs: 300_000 }, false],
] as const) {
  test(`a call without a live token ${isWoken ? 'cuts' : 'does not cut'} the wait after ${what} short`, (t) => {
    const life = new Life(
      'stable',
      ({ round }) => ({ kind: 'fetchFailed', round, diagnosis }),
      () => 0.999,
    );
    life.begin();
    for (let failure = 0; failure < 8; failure += 1) life.pass(300_001);
    const before = life.rounds.length;
    life.pass(3_000);
    const rested = life.rounds.length;
    life.do({ kind: 'demanded' });
    t.is(life.rounds.length, isWoken ? rested + 1 : rested);
    for (let call = 0; call < 50; call += 1) life.do({ kind: 'demanded' });
    t.is(life.rounds.length, isWoken ? rested + 1 : rested);
    life.pass(2_000);
    t.is(life.rounds.length, isWoken ? rested + 2 : rested);
    t.true(rested >= before);
  });
}
