import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { makeFileStore } from '../../src/store/file-store.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { makeToken, type TokenMode } from '../../src/token/token.ts';
import { ORDERS_KEY, type RunningHub, startHubPair, startTestHub } from '../support/hub.ts';
import { startSimulator, type RunningSimulator, type Teardown } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { patientClock } from '../support/patient-clock.ts';

const PARAMS = { grant_type: 'client_credential', appid: DEMO_APP.appid, secret: ORDERS_KEY };
const QUERY = new URLSearchParams(PARAMS).toString();

/** Every way to ask for a token in the platform's format. */
const WAYS: readonly (readonly [what: string, ask: (hub: RunningHub) => ReturnType<RunningHub['call']>])[] = [
  ['GET /cgi-bin/token', (hub) => hub.call(`/cgi-bin/token?${QUERY}`, {}, null)],
  [
    'POST /cgi-bin/token with a query',
    (hub) => hub.call(`/cgi-bin/token?${QUERY}`, { method: 'POST' }, null),
  ],
  ['POST /cgi-bin/token with a form', (hub) => hub.call('/cgi-bin/token', { body: QUERY }, null)],
  ['POST /cgi-bin/token with JSON', (hub) => hub.call('/cgi-bin/token', { body: PARAMS }, null)],
  ['POST /cgi-bin/stable_token', (hub) => hub.call('/cgi-bin/stable_token', { body: PARAMS }, null)],
];

test('GET and POST return the token with the rest of its life', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  for (const [what, ask] of WAYS) {
    const answer = await ask(hub);
    t.is(answer.status, 200, what);
    t.is(answer.json()['access_token'], simulator.control.token(DEMO_APP.appid), what);
    t.true(Number(answer.json()['expires_in']) > 7_100, what);
  }
});

test("an incomplete or malformed POST gets the platform's error codes", async (t) => {
  const { hub } = await startHubPair(t);
  for (const [body, errcode] of [
    ['', 40002],
    ['{"grant_type":', 40002],
    ['null', 40002],
    [{ ...PARAMS, appid: '' }, 41002],
    [{ ...PARAMS, secret: undefined }, 41004],
    [{ ...PARAMS, secret: 'wrong-key-0123456789' }, 40125],
    [{ ...PARAMS, appid: 'wx000000000000000x' }, 40013],
  ] as const) {
    const answer = await hub.call('/cgi-bin/token', { method: 'POST', body }, null);
    t.is(answer.json()['errcode'], errcode, JSON.stringify(body));
  }
  t.is((await hub.call('/cgi-bin/token', { body: 'x'.repeat(5_000) }, null)).status, 413);
  t.is((await hub.call('/cgi-bin/token', { method: 'PUT', body: QUERY }, null)).status, 405);
});

/** A hub that starts with a token in its store that has this much life left. */
async function startWithRemembered(
  t: Teardown,
  mode: TokenMode,
  leftMs: number,
  prepare: (simulator: RunningSimulator) => void,
): Promise<RunningHub> {
  const path = join(temporaryFolder(t), 'tokens.json');
  const store = makeFileStore({ path, clock: systemClock, random: systemRandom, log: silentLog });
  const issuedAtMs = systemClock.monotonicMs() + leftMs - 7_200_000;
  const token = makeToken('remembered-token-0123456789', issuedAtMs, 7_200_000);
  store.save({ appid: DEMO_APP.appid, mode }, { token, forcedAtMs: [] });
  await store.close();
  const simulator = await startSimulator(t);
  prepare(simulator);
  const env = { WECHAT_SIDECAR_STORE: `file:${path}`, WECHAT_TOKEN_MODE: mode };
  return startTestHub(t, [simulator.origin], { env });
}

for (const [mode, leftMs] of [
  ['classic', 1_000_000],
  ['stable', 200_000],
] as const) {
  test(`a ${mode} token that is due is not returned to programs while its successor is being fetched`, async (t) => {
    const hub = await startWithRemembered(t, mode, leftMs, ({ control }) => {
      control.delay({ path: mode === 'classic' ? '/cgi-bin/token' : '/cgi-bin/stable_token', ms: 300 });
    });
    const answers = await Promise.all(WAYS.map(([, ask]) => ask(hub)));
    for (const answer of answers) t.true(Number(answer.json()['expires_in']) > 7_000, answer.body.toString());
    t.is(new Set(answers.map((answer) => answer.json()['access_token'])).size, 1);
  });
}

test('while the platform issues no token, programs get the old one with the rest of its life', async (t) => {
  const hub = await startWithRemembered(t, 'classic', 1_000_000, ({ control }) => {
    control.break({ path: '/cgi-bin/token', fault: { kind: 'errcode', errcode: -1 } });
  });
  for (const [what, ask] of WAYS) {
    const startedMs = patientClock.monotonicMs();
    const answer = await ask(hub);
    t.is(answer.json()['access_token'], 'remembered-token-0123456789', what);
    const expiresIn = Number(answer.json()['expires_in']);
    t.true(expiresIn > 980 && expiresIn <= 1_000, `${expiresIn}`);
    // They wait for 2.5 s, and not for the next try, as a busy machine measures it.
    t.true(patientClock.monotonicMs() - startedMs < 6_000, what);
  }
});
