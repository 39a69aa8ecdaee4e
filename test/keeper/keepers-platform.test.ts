import test, { type ExecutionContext } from 'ava';
import { patientClock } from '../support/patient-clock.ts';
import { refusal } from '../support/refusal.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Keepers, makeKeepers } from '../../src/keeper/keepers.ts';
import { memoryStore } from '../../src/store/store.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import type { Token, TokenMode } from '../../src/token/token.ts';
import { issuerOf } from '../support/simulator-issuer.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';

const { appid } = DEMO_APP;

interface Bench {
  readonly platform: RunningSimulator;
  readonly keepers: Keepers;
  token(): Promise<Token>;
}

async function begun(t: ExecutionContext, mode: TokenMode, tokenLifeMs?: number): Promise<Bench> {
  const platform = await startSimulator(t);
  if (tokenLifeMs !== undefined) platform.control.configure({ appid, tokenLifeMs });
  const keepers = makeKeepers({
    apps: [{ appid, secret: new Secret(DEMO_APP.secret), mode }],
    issuer: issuerOf(platform.origin),
    store: memoryStore,
    clock: patientClock,
    random: systemRandom,
    log: silentLog,
  });
  t.teardown(() => keepers.close());
  keepers.start();
  const token = async (): Promise<Token> => {
    const answer = await keepers.token(appid);
    if (answer.kind !== 'token') throw new Error(answer.message);
    return answer.token;
  };
  return { platform, keepers, token };
}

for (const [mode, happening, errcode, asked] of [
  ['stable', 'expire', 42001, { stableFetches: 1, forcedFetches: 0, deadTokenCalls: 0 }],
  ['stable', 'revoke', 40001, { stableFetches: 1, forcedFetches: 1, deadTokenCalls: 1 }],
  ['classic', 'expire', 42001, { classicFetches: 1, deadTokenCalls: 1 }],
  ['classic', 'overwrite', 40001, { classicFetches: 1, deadTokenCalls: 1 }],
  ['classic', 'revoke', 40014, { classicFetches: 1, deadTokenCalls: 1 }],
] as const) {
  test(`a ${mode} token after ${happening} is replaced for all reporters by the fewest possible calls`, async (t) => {
    const { platform, keepers, token } = await begun(t, mode);
    const old = await token();
    platform.control.clear();
    platform.control[happening]();
    const reports = Array.from({ length: 50 }, () =>
      keepers.report(appid, refusal(old.fingerprint, errcode)),
    );
    const answers = await Promise.all(reports);
    t.is(new Set(answers.map((answer) => answer.kind === 'renewed' && answer.token.fingerprint)).size, 1);
    const fresh = await token();
    t.not(fresh.fingerprint, old.fingerprint);
    t.like(platform.control.counters().apps[appid], asked);
    t.is(keepers.ownerOf(old.fingerprint), appid);
  });
}

test('a stable token that somebody else has replaced costs one normal fetch', async (t) => {
  const { platform, keepers, token } = await begun(t, 'stable');
  const old = await token();
  platform.control.overwrite();
  platform.control.clear();
  const answer = await keepers.report(appid, refusal(old.fingerprint, 40001));
  t.not(answer.kind === 'renewed' && answer.token.fingerprint, old.fingerprint);
  t.like(platform.control.counters().apps[appid], {
    stableFetches: 1,
    forcedFetches: 0,
    getApiDomainIpCalls: 0,
  });
});

for (const mode of ['stable', 'classic'] as const) {
  test(`${mode} tokens that live five seconds are renewed without a gap`, async (t) => {
    const { keepers, token } = await begun(t, mode, 5_000);
    const seen = new Set([(await token()).fingerprint]);
    let gaps = 0;
    const alive = setInterval(() => {
      const live = keepers.peek(appid);
      if (live === undefined) gaps += 1;
      else seen.add(live.fingerprint);
    }, 20);
    t.teardown(() => clearInterval(alive));
    while (seen.size < 3) await new Promise((resolve) => setTimeout(resolve, 50));
    t.is(gaps, 0);
  });
}

test('with a wrong secret every caller gets the platform’s errcode at once, until the right one is set', async (t) => {
  const { keepers, token } = await begun(t, 'stable');
  await token();
  const wrong = { appid: 'wx-of-nobody', secret: new Secret('wrong'), mode: 'stable' as const };
  keepers.reconfigure([wrong]);
  t.like(await keepers.token(wrong.appid), { kind: 'unavailable', errcode: 40013 });
  keepers.reconfigure([{ appid, secret: new Secret('wrong'), mode: 'stable' }]);
  t.like(await keepers.token(appid), { kind: 'unavailable', errcode: 40125 });
  keepers.reconfigure([{ appid, secret: new Secret(DEMO_APP.secret), mode: 'stable' }]);
  t.is((await keepers.token(appid)).kind, 'token');
});
