import test from 'ava';
import { appid, secret, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';

test('the platform’s addresses are lists', async (t) => {
  const { call, control } = await startPlatform(t);
  t.true(Array.isArray((await call('/cgi-bin/get_api_domain_ip')).json().ip_list));
  t.true(Array.isArray((await call('/cgi-bin/getcallbackip')).json().ip_list));
  t.is(control.counters().apps[appid]?.getApiDomainIpCalls, 1);
  const check = async (body: object) => (await call('/cgi-bin/callback/check', { body })).json();
  t.deepEqual(Object.keys(await check({ action: 'all', check_operator: 'DEFAULT' })), ['dns', 'ping']);
  t.deepEqual(Object.keys(await check({ action: 'dns', check_operator: 'CAP' })), ['dns']);
  t.is((await check({ action: 'x', check_operator: 'CAP' })).errcode, 40201);
  t.is((await check({ action: 'dns', check_operator: 'x' })).errcode, 40202);
});

test('quota/get returns the used quota, and has its own errcodes', async (t) => {
  const { call } = await startPlatform(t);
  const get = async (path: unknown) =>
    (await call('/cgi-bin/openapi/quota/get', { body: { cgi_path: path } })).json();
  await call('/cgi-bin/message/custom/send', { body: {} });
  t.like(await get('/cgi-bin/message/custom/send'), {
    errcode: 0,
    quota: { daily_limit: 5_000_000, used: 1, remain: 4_999_999 },
  });
  t.like(await get('/cgi-bin/stable_token'), { rate_limit: { call_count: 10_000, refresh_second: 60 } });
  t.is((await get('/no/such/path')).errcode, 76021);
  t.is((await get('/sns/userinfo')).errcode, 76022);
  t.is((await get('cgi-bin/token')).errcode, 76003);
});

test('clear_quota resets the counters ten times a month, including v2', async (t) => {
  const { call, clock, control, origin, classic } = await startPlatform(t);
  control.configure({ appid, quotas: { '/cgi-bin/token': { perDay: 2 } } });
  await classic();
  const body = { appid };
  t.is((await call('/cgi-bin/clear_quota', { body })).json().errcode, 0);
  await classic();
  await classic();
  t.is((await classic()).errcode, 45009);
  const v2 = `${origin}/cgi-bin/clear_quota/v2`;
  t.is(
    (await ask(`${v2}?appid=${appid}&appsecret=${secret}`, { method: 'POST', body: '' })).json().errcode,
    0,
  );
  t.truthy((await classic()).access_token);
  for (let i = 0; i < 8; i += 1) {
    t.is((await ask(v2, { body: { appid, appsecret: secret } })).json().errcode, 0);
  }
  t.is((await ask(v2, { body: { appid, appsecret: secret } })).json().errcode, 48006);
  t.is((await ask(v2, { body: { appid, appsecret: 'wrong' } })).json().errcode, 40125);
  clock.advance(31 * 86_400_000);
  t.is((await ask(v2, { body: { appid, appsecret: secret } })).json().errcode, 0);
  t.is((await call('/cgi-bin/clear_quota', { body: { appid: 'wx1' } })).json().errcode, 40013);
});

test('quota/clear resets the counter of one path', async (t) => {
  const { call } = await startPlatform(t);
  await call('/cgi-bin/tags/get');
  await call('/cgi-bin/openapi/quota/clear', { body: { cgi_path: '/cgi-bin/tags/get' } });
  const answer = await call('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/cgi-bin/tags/get' } });
  t.like(answer.json(), { quota: { used: 0 } });
});

test('a rid leads to the request that failed, for its own account and seven days', async (t) => {
  const { call, clock, control, origin } = await startPlatform(t);
  const failed = await call('/cgi-bin/message/custom/send?x=1', { body: 'no json' });
  const rid = /rid: (\S+)$/.exec(String(failed.json().errmsg))?.[1];
  const get = async (asked: unknown) =>
    (await call('/cgi-bin/openapi/rid/get', { body: { rid: asked } })).json();
  const { request } = (await get(rid)) as { request: Record<string, unknown> };
  t.is(request.invoke_time, Math.floor(clock.unixMs() / 1_000));
  t.regex(String(request.request_url), /^x=1&access_token=/);
  t.is(request.request_body, 'no json');
  t.is(request.response_body, failed.body.toString());
  t.is(request.client_ip, '127.0.0.1');
  t.is((await get('00000000-00000000-00000000')).errcode, 76001);
  t.is((await get('nonsense')).errcode, 76002);
  control.configure({ appid: 'wxother', secret: 's' });
  const other = await ask(`${origin}/cgi-bin/token?grant_type=client_credential&appid=wxother&secret=s`);
  const url = `${origin}/cgi-bin/openapi/rid/get?access_token=${String(other.json().access_token)}`;
  t.is((await ask(url, { body: { rid } })).json().errcode, 76003);
  clock.advance(7 * 86_400_000 + 1);
  t.is((await get(rid)).errcode, 76001);
});

test('the same ticket of a type is returned until it expires', async (t) => {
  const { call, clock, control } = await startPlatform(t);
  const get = async (type: string) => (await call(`/cgi-bin/ticket/getticket?type=${type}`)).json();
  const first = await get('jsapi');
  t.deepEqual(Object.keys(first), ['errcode', 'errmsg', 'ticket', 'expires_in']);
  t.is(first.expires_in, 7200);
  clock.advance(1_000_000);
  t.deepEqual(await get('jsapi'), { ...first, expires_in: 6200 });
  t.not((await get('wx_card')).ticket, first.ticket);
  t.is((await get('other')).errcode, 40097);
  clock.advance(6_200_000);
  t.not((await get('jsapi')).ticket, first.ticket);
  control.configure({ appid, quotas: { '/cgi-bin/ticket/getticket': { perDay: 0 } } });
  t.is((await get('jsapi')).errcode, 45009);
});

test('a third-party platform gets its token, and those of accounts that authorised it', async (t) => {
  const { origin, control, probe, token } = await startPlatform(t);
  control.configure({ appid: 'wxcomponent', secret: 's', component: true });
  const post = async (path: string, body: object) =>
    (await ask(`${origin}/cgi-bin/component/${path}`, { body })).json();
  const base = { component_appid: 'wxcomponent', component_appsecret: 's' };
  t.is((await post('api_component_token', base)).errcode, 41018);
  t.is((await post('api_component_token', { ...base, component_verify_ticket: 'x' })).errcode, 61006);
  const made = await post('api_component_token', { ...base, component_verify_ticket: 'ticket@@@x' });
  t.is(made.expires_in, 7200);
  const query = `component_access_token=${String(made.component_access_token)}`;
  t.regex(String((await post(`api_create_preauthcode?${query}`, {})).pre_auth_code), /^preauthcode@@@/);
  t.is((await post(`api_create_preauthcode?access_token=${await token()}`, {})).errcode, 40001);
  const { authorization_info: info } = (await post(`api_query_auth?${query}`, {
    authorization_code: `queryauthcode@@@${appid}`,
  })) as { authorization_info: Record<string, unknown> };
  t.is(await probe(info.authorizer_access_token), 0);
  const renewed = await post(`api_authorizer_token?${query}`, {
    authorizer_appid: appid,
    authorizer_refresh_token: info.authorizer_refresh_token,
  });
  t.is(await probe(renewed.authorizer_access_token), 0);
  t.is((await post(`api_authorizer_token?${query}`, { authorizer_appid: appid })).errcode, 61023);
  t.is((await post(`api_query_auth?${query}`, { authorization_code: 'x' })).errcode, 61009);
  t.is(await probe(made.component_access_token), 40001);
});
