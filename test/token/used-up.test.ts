import test from 'ava';
import { Life, ModelPlatform } from '../support/life.ts';

/** The platform's own quota of forced refreshes is used up; normal ones it answers. */
function withoutForcedRefreshes() {
  const platform = new ModelPlatform();
  const life = new Life('stable', platform.answer).begin();
  const used = { errcode: 45009, message: '', recheckMs: 900_000 };
  life.platform = (round, it) =>
    round.kind === 'fetch' && round.force
      ? { kind: 'fetchFailed', round: round.round, diagnosis: used }
      : platform.answer(round, it);
  return { life, platform };
}

test('a refresh by a person without quota does not prevent the renewal ahead of the expiry', (t) => {
  const { life } = withoutForcedRefreshes();
  const first = life.token();
  life.pass(first.expiresAtMs - life.nowMs - 400_000);
  life.do({ kind: 'manual' });
  t.is(life.state.phase.kind, 'idle');
  life.pass(390_000);
  t.not(life.token().fingerprint, first.fingerprint);
});

test('a forced refresh without quota does not prevent the renewal ahead of the expiry', (t) => {
  const { life, platform } = withoutForcedRefreshes();
  const refused = life.token();
  platform.dead.add(refused.fingerprint);
  life.pass(refused.expiresAtMs - life.nowMs - 400_000);
  life.report();
  t.is(life.state.phase.kind, 'rationed');
  life.pass(390_000);
  t.not(life.token().fingerprint, refused.fingerprint);
});

test('a report that came while a person found the quota used up gets its look at once', (t) => {
  const { life, platform } = withoutForcedRefreshes();
  const first = life.token();
  let force: number | undefined;
  const answer = life.platform;
  life.platform = (round, it) => {
    if (round.kind !== 'fetch' || !round.force) return answer?.(round, it);
    force = round.round;
    return undefined;
  };
  life.pass(600_000);
  life.do({ kind: 'manual' });
  life.report();
  platform.dead.add(first.fingerprint);
  t.is(life.state.phase.kind, 'fetching');
  life.platform = answer;
  const used = { errcode: 45009, message: '', recheckMs: 900_000 };
  life.do({ kind: 'fetchFailed', round: force ?? 0, diagnosis: used });
  t.true(life.state.doubt.begun > 0);
});
