import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startSimulator } from '../support/simulator.ts';
import type { Teardown } from '../support/simulator.ts';
import { ask } from '../support/simulator-client.ts';

const { appid, secret } = DEMO_APP;

async function start(t: Teardown) {
  const clock = new ManualClock();
  const { origin, control } = await startSimulator(t, { clock });
  const classic = async () =>
    (
      await ask(`${origin}/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=${secret}`)
    ).json();
  const stable = async (force = false) => {
    const body = { grant_type: 'client_credential', appid, secret, ...(force && { force_refresh: true }) };
    return (await ask(`${origin}/cgi-bin/stable_token`, { body })).json();
  };
  const call = async (token: unknown) =>
    (await ask(`${origin}/cgi-bin/get_api_domain_ip?access_token=${String(token)}`)).json();
  return { clock, origin, control, classic, stable, call };
}

test('each classic call makes a new token, and the old one works for five minutes more', async (t) => {
  const { clock, classic, call } = await start(t);
  const first = await classic();
  t.deepEqual(Object.keys(first), ['access_token', 'expires_in']);
  t.is(first.expires_in, 7200);
  t.regex(String(first.access_token), /^\d+_[A-Za-z0-9_-]{130,}$/);
  const second = await classic();
  t.not(first.access_token, second.access_token);
  clock.advance(299_999);
  t.truthy((await call(first.access_token)).ip_list);
  clock.advance(1);
  t.is((await call(first.access_token)).errcode, 40001);
  t.truthy((await call(second.access_token)).ip_list);
});

test('of classic tokens only the immediate predecessor has grace', async (t) => {
  const { classic, call } = await start(t);
  const first = await classic();
  const second = await classic();
  await classic();
  t.is((await call(first.access_token)).errcode, 40001);
  t.truthy((await call(second.access_token)).ip_list);
});

test('a token past its life is 42001, whatever was issued since in the other family', async (t) => {
  const { clock, classic, stable, call } = await start(t);
  const { access_token: token } = await classic();
  await stable();
  clock.advance(7_199_999);
  t.truthy((await call(token)).ip_list);
  clock.advance(1);
  const answer = await call(token);
  t.is(answer.errcode, 42001);
  t.regex(String(answer.errmsg), /^access_token expired rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/);
});

test('a stable token comes back with its remaining seconds until its last five minutes', async (t) => {
  const { clock, stable, call } = await start(t);
  const first = await stable();
  clock.advance(6_899_000);
  t.deepEqual(await stable(), { access_token: first.access_token, expires_in: 301 });
  clock.advance(1_000);
  const second = await stable();
  t.not(second.access_token, first.access_token);
  t.is(second.expires_in, 7200);
  clock.advance(299_999);
  t.truthy((await call(first.access_token)).ip_list);
  clock.advance(1);
  t.is((await call(first.access_token)).errcode, 42001);
});
