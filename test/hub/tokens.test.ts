import test from 'ava';
import { fingerprintOf } from '../../src/base/secret.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { startHubPair } from '../support/hub.ts';

const TOKEN_PATH = `/v1/apps/${DEMO_APP.appid}/token`;

test('a caller lists its accounts and gets the token with absolute times', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const answer = await hub.call(TOKEN_PATH);
  t.is(answer.status, 200);
  t.is(answer.headers['cache-control'], 'no-store');
  const token = answer.json();
  t.is(token['access_token'], simulator.control.token(DEMO_APP.appid));
  t.is(token['fingerprint'], fingerprintOf(String(token['access_token'])));
  const life = Date.parse(String(token['expires_at'])) - Date.parse(String(token['issued_at']));
  t.is(life, 7_200_000);
  t.true(Number(token['expires_in']) > 7_100 && Number(token['expires_in']) <= 7_200);

  const apps = (await hub.call('/v1/apps')).json();
  const [app] = apps['apps'] as Record<string, unknown>[];
  const { expires_at: expiresAt, ...rest } = app ?? {};
  t.deepEqual(rest, {
    appid: DEMO_APP.appid,
    name: DEMO_APP.appid,
    mode: 'stable',
    fingerprint: token['fingerprint'],
  });
  // Wall clock and monotonic clock are read one after the other, so they may differ by a millisecond.
  t.true(Math.abs(Date.parse(String(expiresAt)) - Date.parse(String(token['expires_at']))) < 10);
});

test('a thousand reports of the same refused token at once cause one fetch', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const { fingerprint } = (await hub.call(TOKEN_PATH)).json();
  simulator.control.overwrite();
  simulator.control.clear();
  const report = { body: { fingerprint, errcode: 40001 } };
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, () => hub.call(`${TOKEN_PATH}/refresh`, report)),
  );
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  // Reports that arrived after the new token caused no refresh.
  for (const answer of answers) {
    const { refreshed, outcome } = answer.json();
    t.is(outcome, refreshed ? 'renewed' : 'not_current');
  }
  t.is(answers[0]?.json()['refreshed'], true);
  t.is(new Set(answers.map((answer) => answer.json()['fingerprint'])).size, 1);
  t.is(simulator.control.counters().paths['/cgi-bin/stable_token']?.calls, 1);
});
