import { createHash } from 'node:crypto';
import test from 'ava';
import { isLoopback } from '../../src/simulator/loopback.ts';
import { appid, type PlatformUnderTest, secret, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';

function sim({ origin }: PlatformUnderTest) {
  return {
    post: (name: string, body?: object | string) =>
      ask(`${origin}/__sim/${name}`, { method: 'POST', body: body ?? '' }),
    get: (name: string) => ask(`${origin}/__sim/${name}`),
  };
}

test('only this machine may control the simulator', (t) => {
  for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])
    t.true(isLoopback(address), address);
  for (const address of ['', '10.0.0.1', '::', 'fe80::1', '::ffff:10.0.0.1', '127.0.0.1.evil']) {
    t.false(isLoopback(address), address);
  }
});

test('the page lists every control call', async (t) => {
  const { get } = sim(await startPlatform(t));
  const page = await get('');
  t.is(page.status, 200);
  for (const name of [
    'apps',
    'expire',
    'overwrite',
    'revoke',
    'freeze',
    'delay',
    'break',
    'answer',
    'clock',
    'reset',
  ]) {
    t.true(page.body.includes(`/__sim/${name} `), name);
  }
});

test('tokens are expired, overwritten and revoked over HTTP', async (t) => {
  const platform = await startPlatform(t);
  const { post, get } = sim(platform);
  const first = await platform.token();
  t.deepEqual((await post('expire')).json(), { tokens: 1 });
  t.is(await platform.probe(first), 42001);
  const second = await platform.token();
  t.deepEqual((await post('overwrite', { appid, mode: 'classic' })).json(), { tokens: 1 });
  t.is(await platform.probe(second), 40001);
  const third = await platform.token();
  await post('revoke', { mode: 'classic' });
  t.is(await platform.probe(third), 40001);
  t.deepEqual((await post('expire', { appid: 'wx1' })).json(), { tokens: 0 });
  const { apps } = (await get('apps')).json() as { apps: Record<string, unknown>[] };
  t.like(apps[0], { appid, tokens: { classic: { state: 'overwritten' } } });
  t.false(JSON.stringify(apps).includes(secret));
});

test('accounts are created, changed and frozen over HTTP', async (t) => {
  const platform = await startPlatform(t);
  const { post } = sim(platform);
  await post('apps', { appid: 'wx2', secret: 'two', tokenLifeMs: 5_000 });
  const query = 'grant_type=client_credential&appid=wx2&secret=two';
  t.is((await platform.classic(query)).expires_in, 5);
  await post('freeze', { appid: 'wx2' });
  t.is((await platform.classic(query)).errcode, 40243);
  t.truthy((await platform.classic()).access_token);
  await post('unfreeze');
  await post('apps', { appid: 'wx2', secret: 'three' });
  t.is((await platform.classic(query)).errcode, 40125);
});

test('faults, answers, delays and paths are set over HTTP', async (t) => {
  const platform = await startPlatform(t);
  const { post, get } = sim(platform);
  t.deepEqual((await post('break', { path: '/x', kind: 'errcode', errcode: 45009, times: 1 })).json(), {
    rule: 1,
  });
  t.is((await ask(`${platform.origin}/x`)).json().errcode, 45009);
  await post('break', { path: '/x', kind: 'status', times: 1 });
  t.is((await ask(`${platform.origin}/x`)).status, 502);
  await post('answer', { path: '/y', bodyBase64: Buffer.from([1, 2]).toString('base64'), headers: {} });
  t.deepEqual((await ask(`${platform.origin}/y`)).body, Buffer.from([1, 2]));
  await post('delay', { path: '/z', ms: 10 });
  t.deepEqual((await get('rules')).json(), {
    rules: [{ rule: 3, path: '/y', kind: 'answer' }],
    delays: { '/z': 10 },
  });
  await post('heal');
  t.deepEqual((await get('rules')).json(), { rules: [], delays: {} });
  await post('endpoint', { path: '/new', body: '{"new":true}' });
  t.is((await platform.call('/new')).json().new, true);
  t.like((await post('knobs', { unknownToken: 40014 })).json(), { unknownToken: 40014, refuseChunked: true });
});

test('an invalid control call gets the reason', async (t) => {
  const { post, get } = sim(await startPlatform(t));
  const said = async (name: string, body: object | string): Promise<string> => {
    const answer = await post(name, body);
    t.is(answer.status, 400, name);
    return String(answer.json().error);
  };
  t.regex(await said('break', { path: 'x', kind: 'reset' }), /^Cannot read break: path: must begin with \//);
  t.regex(
    await said('break', { path: '/x', kind: 'explode' }),
    /kind: Invalid option: expected one of "errcode"/,
  );
  t.regex(await said('delay', { path: '/x', ms: -1 }), /ms: /);
  t.regex(await said('expire', { app: 'wx' }), /"app"/);
  t.regex(await said('apps', { appid, ipAllow: ['nonsense'] }), /ipAllow\.0: must be an IP/);
  t.regex(await said('clock', 'no json'), /the body is not JSON/);
  const unknown = await post('explode');
  t.is(unknown.status, 404);
  t.regex(String(unknown.json().error), /GET \/__sim\/ lists the control calls/);
  t.is((await get('certificate')).status, 404);
});

test('arrivals show the received requests, byte for byte', async (t) => {
  const platform = await startPlatform(t);
  const { get } = sim(platform);
  const value = await platform.token();
  const url = `/cgi-bin/message/custom/send?b=%2f&access_token=${value}&a=1`;
  await ask(`${platform.origin}${url}`, { body: '{"a": 1}', headers: { 'X-MiXed': 'Case' } });
  const { arrivals } = (await get('arrivals?path=/cgi-bin/message/*')).json() as {
    arrivals: Record<string, unknown>[];
  };
  t.is(arrivals.length, 1);
  const headers = arrivals[0]?.rawHeaders as string[];
  t.is(headers[headers.indexOf('X-MiXed') + 1], 'Case');
  t.like(arrivals[0], {
    seq: 2,
    method: 'POST',
    url,
    path: '/cgi-bin/message/custom/send',
    httpVersion: '1.1',
    encrypted: false,
    appid,
    outcome: 'answered',
    status: 200,
    errcode: 0,
    body: {
      lengthBytes: 8,
      sha256: createHash('sha256').update('{"a": 1}').digest('hex'),
      text: '{"a": 1}',
    },
  });
});

test('counters show fetches by account and calls with dead tokens', async (t) => {
  const platform = await startPlatform(t);
  const { get, post } = sim(platform);
  const dead = await platform.token();
  platform.control.expire();
  await platform.probe(dead);
  await platform.stable();
  await platform.stable();
  await platform.stable(true);
  await platform.call('/cgi-bin/tags/get');
  const { paths, apps } = (await get('counters')).json() as Record<string, Record<string, unknown>>;
  t.deepEqual(apps?.[appid], {
    classicFetches: 2,
    stableFetches: 2,
    forcedFetches: 1,
    tokensIssued: 4,
    getApiDomainIpCalls: 0,
    apiCalls: 1,
    deadTokenCalls: 1,
  });
  t.deepEqual(paths?.['/cgi-bin/get_api_domain_ip'], { calls: 1, errcodes: { 42001: 1 } });
  await post('clear');
  t.deepEqual((await get('arrivals')).json(), { arrivals: [] });
  t.like((await get('counters')).json(), { paths: {}, apps: { [appid]: { classicFetches: 0 } } });
});

test('the platform’s clock can be advanced, and its Date header with it', async (t) => {
  const platform = await startPlatform(t);
  const { post } = sim(platform);
  const token = await platform.token();
  await post('clock', { advanceMs: 7_200_000 });
  t.is(await platform.probe(token), 42001);
  const answer = await ask(`${platform.origin}/x`);
  t.is(answer.headers.date, new Date(platform.clock.unixMs() + 7_200_000).toUTCString());
});

test('the same seed gives the same tokens, rids and tickets to the same calls', async (t) => {
  const play = async (seed: number): Promise<string> => {
    const platform = await startPlatform(t, { seed });
    const said = [
      await platform.classic(),
      await platform.stable(),
      (await ask(`${platform.origin}/nowhere`)).json(),
      (await platform.call('/cgi-bin/ticket/getticket?type=jsapi')).json(),
      (
        await ask(
          `${platform.origin}/sns/jscode2session?appid=${appid}&secret=${secret}&js_code=a&grant_type=authorization_code`,
        )
      ).json(),
    ];
    return JSON.stringify(said);
  };
  t.is(await play(7), await play(7));
  t.not(await play(7), await play(8));
});

test('a reset forgets everything, and issues no token twice', async (t) => {
  const platform = await startPlatform(t);
  const { post } = sim(platform);
  const before = await platform.token();
  platform.control.configure({ appid: 'wx2' });
  platform.control.knobs({ gzip: true });
  platform.control.break({ path: '*', fault: { kind: 'empty' } });
  t.is((await post('reset')).status, 200);
  t.is(platform.control.arrivals().length, 0);
  t.is(await platform.probe(before), 40001);
  t.not(await platform.token(), before);
  t.deepEqual(
    platform.control.apps().map((it) => it.appid),
    [appid],
  );
  t.false(platform.control.knobs().gzip);
});

test('a web page of another origin cannot control it, and its own page can', async (t) => {
  const { origin, port } = await startPlatform(t);
  const expire = async (headers: Record<string, string>): Promise<number> =>
    (await ask(`${origin}/__sim/expire`, { method: 'POST', headers })).status;
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:5173' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { host: 'rebound.example' },
  ]) {
    t.is(await expire(headers as Record<string, string>), 403, JSON.stringify(headers));
  }
  const own = `http://localhost:${port}`;
  for (const headers of [
    {},
    { host: `localhost:${port}`, origin: own, 'sec-fetch-site': 'same-origin' },
    { host: `[::1]:${port}`, 'sec-fetch-site': 'none' },
    { host: 'api.weixin.qq.com' },
  ]) {
    t.is(await expire(headers as Record<string, string>), 200, JSON.stringify(headers));
  }
});
