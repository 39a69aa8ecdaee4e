import test from 'ava';
import { appid, RID, secret, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';

const ACCOUNT = `appid=${appid}&secret=${secret}&grant_type=authorization_code`;

test('a web login returns the user’s own token, which the account’s calls do not accept', async (t) => {
  const { origin, probe } = await startPlatform(t);
  const login = await ask(`${origin}/sns/oauth2/access_token?${ACCOUNT}&code=alice.1`);
  t.is(login.headers['content-type'], 'text/plain');
  const { access_token: token, expires_in: life, openid, scope } = login.json();
  t.deepEqual([life, scope], [7200, 'snsapi_userinfo']);
  t.is(await probe(token), 40001);
  const info = await ask(
    `${origin}/sns/userinfo?access_token=${String(token)}&openid=${String(openid)}&lang=zh_CN`,
  );
  t.is(info.headers['content-type'], 'text/plain');
  t.is(info.json().openid, openid);
  t.true(info.body.includes(Buffer.from('模拟用户')));
  t.is(
    (await ask(`${origin}/sns/auth?access_token=${String(token)}&openid=${String(openid)}`)).json().errcode,
    0,
  );
  t.is((await ask(`${origin}/sns/auth?access_token=${String(token)}&openid=other`)).json().errcode, 40003);
});

test('the account’s token is 40001 where a user’s token is required', async (t) => {
  const { origin, token } = await startPlatform(t);
  const answer = await ask(`${origin}/sns/userinfo?access_token=${await token()}&openid=o`);
  t.is(answer.headers['content-type'], 'text/plain');
  t.regex(
    answer.body.toString(),
    new RegExp(
      `^{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest, rid: ${RID}"}$`,
    ),
  );
  t.is((await ask(`${origin}/sns/auth`)).json().errcode, 41001);
});

test('a user’s token expires, and its refresh token renews it', async (t) => {
  const { clock, origin } = await startPlatform(t);
  const first = (await ask(`${origin}/sns/oauth2/access_token?${ACCOUNT}&code=bob`)).json();
  const refresh = async (token: unknown) =>
    (
      await ask(
        `${origin}/sns/oauth2/refresh_token?appid=${appid}&grant_type=refresh_token&refresh_token=${String(token)}`,
      )
    ).json();
  const check = async (token: unknown) =>
    (await ask(`${origin}/sns/auth?access_token=${String(token)}&openid=${String(first.openid)}`)).json()
      .errcode;
  clock.advance(7_000_000);
  const kept = await refresh(first.refresh_token);
  t.deepEqual([kept.access_token, kept.expires_in], [first.access_token, 7200]);
  clock.advance(7_200_000);
  t.is(await check(first.access_token), 42001);
  const next = await refresh(first.refresh_token);
  t.not(next.access_token, first.access_token);
  t.is(next.openid, first.openid);
  t.is(await check(next.access_token), 0);
  t.is((await refresh('nonsense')).errcode, 40030);
  clock.advance(30 * 86_400_000);
  t.is((await refresh(first.refresh_token)).errcode, 42002);
});

test('a mini-program login returns a session key and no errcode, and the same openid for the same user', async (t) => {
  const { origin } = await startPlatform(t);
  const login = async (code: string) => ask(`${origin}/sns/jscode2session?${ACCOUNT}&js_code=${code}`);
  const first = await login('carol.1');
  t.is(first.headers['content-type'], 'text/plain');
  t.deepEqual(Object.keys(first.json()), ['session_key', 'openid', 'unionid']);
  t.is(Buffer.from(String(first.json().session_key), 'base64').length, 16);
  const second = (await login('carol.2')).json();
  t.is(second.openid, first.json().openid);
  t.not(second.session_key, first.json().session_key);
  t.not((await login('dave.1')).json().openid, second.openid);
});

test('each problem of a login has its own errcode, in plain text', async (t) => {
  const { origin } = await startPlatform(t);
  const rows: [string, number][] = [
    [`secret=${secret}&js_code=a`, 41002],
    [`appid=${appid}&js_code=a`, 41004],
    [`appid=wx1&secret=${secret}&js_code=a`, 40013],
    [`appid=${appid}&secret=wrong&js_code=a`, 40125],
    [ACCOUNT, 41008],
    [`${ACCOUNT}&js_code=SIM_INVALID_1`, 40029],
    [`${ACCOUNT}&js_code=SIM_BLOCKED_1`, 40226],
    [`appid=${appid}&secret=${secret}&js_code=a`, 40002],
  ];
  for (const [query, errcode] of rows) {
    const answer = await ask(`${origin}/sns/jscode2session?${query}`);
    t.is(answer.json().errcode, errcode, query);
    t.is(answer.headers['content-type'], 'text/plain');
    t.regex(String(answer.json().errmsg), new RegExp(`, rid: ${RID}$`));
  }
  t.is((await ask(`${origin}/sns/jscode2session?${ACCOUNT}&js_code=once`)).json().errcode, undefined);
  t.is((await ask(`${origin}/sns/jscode2session?${ACCOUNT}&js_code=once`)).json().errcode, 40163);
  const posted = await ask(`${origin}/sns/jscode2session`, { body: `${ACCOUNT}&js_code=x` });
  t.is(posted.json().errcode, 41002);
});

test('a token of the account on a login call is ignored', async (t) => {
  const { call } = await startPlatform(t);
  t.truthy((await call(`/sns/jscode2session?${ACCOUNT}&js_code=erin`)).json().openid);
});
