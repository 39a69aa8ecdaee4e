import test from 'ava';
import { appid, RID, secret, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';

test('each classic call issues a new token, and the old one works for five more minutes', async (t) => {
  const { clock, classic, probe } = await startPlatform(t);
  const first = await classic();
  t.deepEqual(Object.keys(first), ['access_token', 'expires_in']);
  t.is(first.expires_in, 7200);
  t.regex(String(first.access_token), /^\d+_[A-Za-z0-9_-]{130,}$/);
  const second = await classic();
  t.not(first.access_token, second.access_token);
  clock.advance(299_999);
  t.is(await probe(first.access_token), 0);
  clock.advance(1);
  t.is(await probe(first.access_token), 40001);
  t.is(await probe(second.access_token), 0);
});

test('only the immediate predecessor of a classic token has a grace period', async (t) => {
  const { token, probe } = await startPlatform(t);
  const [first, second, third] = [await token(), await token(), await token()];
  t.deepEqual([await probe(first), await probe(second), await probe(third)], [40001, 0, 0]);
});

test('an account can be configured without overlap', async (t) => {
  const { control, token, probe } = await startPlatform(t);
  control.configure({ appid, overlapMs: 0 });
  const first = await token();
  await token();
  t.is(await probe(first), 40001);
});

test('stable and classic tokens do not affect each other', async (t) => {
  const { classic, stable, probe } = await startPlatform(t);
  const steady = await stable();
  await classic();
  await classic();
  t.is((await stable()).access_token, steady.access_token);
  t.is(await probe(steady.access_token), 0);
  const token = (await classic()).access_token;
  await stable(true);
  t.is(await probe(token), 0);
});

test('a stable token is returned with its remaining seconds until its last five minutes', async (t) => {
  const { clock, stable, probe } = await startPlatform(t);
  const first = await stable();
  t.is(first.expires_in, 7200);
  clock.advance(6_899_000);
  t.deepEqual(await stable(), { access_token: first.access_token, expires_in: 301 });
  clock.advance(1_000);
  const second = await stable();
  t.not(second.access_token, first.access_token);
  t.is(second.expires_in, 7200);
  clock.advance(299_999);
  t.is(await probe(first.access_token), 0);
  clock.advance(1);
  t.is(await probe(first.access_token), 42001);
});

test('a token with a short lifetime is rotated in the last quarter of it', async (t) => {
  const { clock, control, stable } = await startPlatform(t);
  control.configure({ appid, tokenLifeMs: 8_000 });
  const first = await stable();
  t.is(first.expires_in, 8);
  clock.advance(5_999);
  t.deepEqual(await stable(), { access_token: first.access_token, expires_in: 2 });
  clock.advance(1);
  t.not((await stable()).access_token, first.access_token);
});

test('a forced refresh issues a new token, with a grace period for the previous one only', async (t) => {
  const { clock, stable, probe } = await startPlatform(t);
  const first = (await stable()).access_token;
  const second = (await stable(true)).access_token;
  t.not(second, first);
  t.deepEqual([await probe(first), await probe(second)], [0, 0]);
  clock.advance(30_000);
  const third = (await stable(true)).access_token;
  t.deepEqual([await probe(first), await probe(second), await probe(third)], [40001, 0, 0]);
  clock.advance(300_000);
  t.is(await probe(second), 40001);
});

test('a forced refresh within thirty seconds of the last one changes nothing', async (t) => {
  const { clock, control, stable } = await startPlatform(t);
  const first = await stable(true);
  clock.advance(29_000);
  t.deepEqual(await stable(true), { access_token: first.access_token, expires_in: 7171 });
  control.knobs({ forceTooSoon: 45011 });
  t.is((await stable(true)).errcode, 45011);
});

test('the twenty-first forced refresh of a day is over the quota, and a new day begins in Beijing', async (t) => {
  const { clock, stable } = await startPlatform(t);
  for (let i = 0; i < 20; i += 1) {
    t.truthy((await stable(true)).access_token);
    clock.advance(30_000);
  }
  t.is((await stable(true)).errcode, 45009);
  // The clock started on 2023-11-14 at 22:13:20 UTC; the next day of Beijing begins at 16:00 UTC.
  clock.advance(18 * 3_600_000);
  t.truthy((await stable(true)).access_token);
});

test('stable_token accepts only a JSON body', async (t) => {
  const { origin } = await startPlatform(t);
  const params = `grant_type=client_credential&appid=${appid}&secret=${secret}`;
  const url = `${origin}/cgi-bin/stable_token`;
  const inQuery = await ask(`${url}?${params}`, { method: 'POST', body: '' });
  const asForm = await ask(url, {
    body: params,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  for (const answer of [inQuery, asForm]) {
    t.is(answer.json().errcode, 41002);
    t.regex(String(answer.json().errmsg), new RegExp(`^appid missing rid: ${RID}$`));
  }
});

test('each problem of a token request has its own errcode', async (t) => {
  const { classic, control } = await startPlatform(t);
  const rows: [string, number][] = [
    [`grant_type=client_credential&secret=${secret}`, 41002],
    [`grant_type=client_credential&appid=${appid}`, 41004],
    [`grant_type=password&appid=${appid}&secret=${secret}`, 40002],
    [`grant_type=client_credential&appid=wx1&secret=${secret}`, 40013],
    [`grant_type=client_credential&appid=${appid}&secret=wrong`, 40125],
  ];
  for (const [query, errcode] of rows) t.is((await classic(query)).errcode, errcode, query);
  control.knobs({ wrongSecret: 40001 });
  t.is((await classic(rows[4]?.[0])).errcode, 40001);
});

test('a frozen AppSecret gets no token, and issued tokens stay valid', async (t) => {
  const { control, classic, stable, token, probe } = await startPlatform(t);
  const held = await token();
  t.is(control.freeze({ appid }), 1);
  t.is((await classic()).errcode, 40243);
  t.is((await stable()).errcode, 40243);
  t.is(await probe(held), 0);
  control.unfreeze();
  t.truthy((await classic()).access_token);
});

test('a caller that is not on the IP list is told its address', async (t) => {
  const { control, classic, token, probe } = await startPlatform(t);
  const held = await token();
  control.configure({ appid, ipAllow: ['10.0.0.0/8', '172.16.0.*', '192.0.2.7'] });
  const { errcode, errmsg } = await classic();
  t.is(errcode, 40164);
  t.regex(
    String(errmsg),
    new RegExp(`^invalid ip 127\\.0\\.0\\.1 ipv6 ::ffff:127\\.0\\.0\\.1, not in whitelist rid: ${RID}$`),
  );
  t.is(await probe(held), 0);
  control.knobs({ ipCheck: 'all' });
  t.is(await probe(held), 61004);
  control.configure({ appid, ipAllow: ['127.0.0.*'] });
  t.truthy((await classic()).access_token);
  t.is(await probe(held), 0);
});

test('daily and per-minute quotas are counted by account and path', async (t) => {
  const { clock, control, classic, stable } = await startPlatform(t);
  control.configure({
    appid,
    quotas: { '/cgi-bin/token': { perDay: 2 }, '/cgi-bin/stable_token': { perMinute: 2 } },
  });
  await classic();
  await classic();
  const daily = await classic();
  t.is(daily.errcode, 45009);
  t.regex(
    String(daily.errmsg),
    /^reach max api daily quota limit, could get access_token by getStableAccessToken/,
  );
  await stable();
  await stable();
  t.is((await stable()).errcode, 45011);
  clock.advance(60_000);
  t.truthy((await stable()).access_token);
  t.is((await classic()).errcode, 45009);
  clock.advance(86_400_000);
  t.truthy((await classic()).access_token);
});

test('a fresh account may fetch two thousand classic tokens a day', async (t) => {
  const { call } = await startPlatform(t);
  const answer = await call('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/cgi-bin/token' } });
  t.deepEqual(answer.json().quota, { daily_limit: 2000, used: 1, remain: 1999 });
});

test('a third-party platform is directed to its own token endpoint', async (t) => {
  const { control, classic } = await startPlatform(t);
  control.configure({ appid: 'wxcomponent', secret: 's', component: true });
  t.is((await classic('grant_type=client_credential&appid=wxcomponent&secret=s')).errcode, 61024);
});

test('expired, overwritten and revoked tokens are refused as they are on the platform', async (t) => {
  const { clock, control, classic, stable, probe } = await startPlatform(t);
  const { access_token: first } = await classic();
  t.is(control.expire({ mode: 'classic' }), 1);
  t.is(await probe(first), 42001);

  const { access_token: second } = await classic();
  control.overwrite({ mode: 'classic', graceMs: 1_000 });
  t.is(await probe(second), 0);
  clock.advance(1_000);
  t.is(await probe(second), 40001);

  const { access_token: third } = await stable();
  control.expire({ mode: 'stable', inMs: 5_000 });
  t.is(await probe(third), 0);
  clock.advance(5_000);
  t.is(await probe(third), 42001);

  const { access_token: fourth } = await stable();
  t.not(fourth, third);
  control.revoke();
  t.is(await probe(fourth), 40001);
  t.is((await stable()).access_token, fourth, 'the stable endpoint does not notice');
  const { access_token: fifth } = await stable(true);
  t.is(await probe(fifth), 0);
});
