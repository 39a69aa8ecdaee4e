import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { splitTarget } from '../../src/simulator/gateway.ts';
import { appid, RID, secret, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';

test('errors are HTTP 200 with the media type and the rid that the platform uses', async (t) => {
  const { origin, clock } = await startPlatform(t);
  const answer = await ask(`${origin}/cgi-bin/menu/get?access_token=garbage`);
  t.is(answer.status, 200);
  t.is(answer.headers['content-type'], 'application/json; encoding=utf-8');
  t.is(answer.headers['content-length'], String(answer.body.length));
  t.is(answer.headers.date, new Date(clock.unixMs()).toUTCString());
  t.regex(
    answer.body.toString(),
    new RegExp(
      `^{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r rid: ${RID}"}$`,
    ),
  );
  const second = /rid: ([0-9a-f]{8})/.exec(answer.body.toString())?.[1] ?? '';
  t.is(Number.parseInt(second, 16), Math.floor(clock.unixMs() / 1_000));
});

test('connections are kept alive', async (t) => {
  const { port, control } = await startPlatform(t);
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  for (let i = 0; i < 2; i += 1) {
    socket.write('GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    t.regex(bytes.toString(), /^HTTP\/1\.1 200 OK\r\n[^]*Connection: keep-alive\r\n/);
  }
  t.deepEqual(
    control.arrivals().map((it) => it.connection),
    [1, 1],
  );
});

test('a chunked request body gets an empty 412, whatever the path', async (t) => {
  const { origin, control } = await startPlatform(t);
  const answer = await ask(`${origin}/cgi-bin/stable_token`, { body: '{}', chunked: true });
  t.is(answer.status, 412);
  t.is(answer.body.length, 0);
  control.knobs({ refuseChunked: false });
  const taken = await ask(`${origin}/cgi-bin/stable_token`, { body: '{}', chunked: true });
  t.is(taken.json().errcode, 41002);
});

test('plain http is refused if the knob says so', async (t) => {
  const { origin, control } = await startPlatform(t, { knobs: { requireHttps: true, logicRet: true } });
  const answer = await ask(`${origin}/cgi-bin/token`);
  t.is(answer.json().errcode, 43003);
  t.is(answer.headers.connection, 'close');
  t.is(answer.headers.logicret, '43003');
  control.knobs({ requireHttps: false });
  t.is((await ask(`${origin}/cgi-bin/token`)).json().errcode, 41002);
});

test('an unknown path and a trailing slash are an invalid url', async (t) => {
  const { call, origin } = await startPlatform(t);
  t.is((await call('/cgi-bin/no/such/path')).json().errcode, 40066);
  t.is((await call('/cgi-bin/get_api_domain_ip/')).json().errcode, 40066);
  t.regex(String((await ask(`${origin}/x`)).json().errmsg), new RegExp(`^invalid url rid: ${RID}$`));
});

test('the wrong method is refused before the token is checked', async (t) => {
  const { origin } = await startPlatform(t);
  t.is((await ask(`${origin}/cgi-bin/token`, { body: '{}' })).json().errcode, 43001);
  t.is((await ask(`${origin}/cgi-bin/stable_token`)).json().errcode, 43002);
  t.is((await ask(`${origin}/cgi-bin/message/custom/send`)).json().errcode, 43002);
});

test('a call without a token, or with one in its body, is told that the token is missing', async (t) => {
  const { origin, token } = await startPlatform(t);
  const url = `${origin}/cgi-bin/message/custom/send`;
  const value = await token();
  const inBody = await ask(url, { body: { access_token: value } });
  t.regex(
    inBody.body.toString(),
    new RegExp(`^{"errcode":41001,"errmsg":"access_token missing rid: ${RID}"}$`),
  );
  t.is((await ask(`${url}?access_token=`, { body: {} })).json().errcode, 41001);
  const inHeader = await ask(url, { body: {}, headers: { authorization: `Bearer ${value}` } });
  t.is(inHeader.json().errcode, 41001);
});

test('garbage and tokens of another kind are refused as the knobs say', async (t) => {
  const { origin, control, probe } = await startPlatform(t);
  const login = `appid=${appid}&secret=${secret}&code=alice.1&grant_type=authorization_code`;
  const user = (await ask(`${origin}/sns/oauth2/access_token?${login}`)).json().access_token;
  t.is(await probe('garbage'), 40001);
  t.is(await probe(user), 40001);
  control.knobs({ unknownToken: 40014, wrongKind: 48001 });
  t.is(await probe('garbage'), 40014);
  t.is(await probe(user), 48001);
});

test('the token is checked before the quota, and the quota before the body', async (t) => {
  const { call, control, origin } = await startPlatform(t);
  control.configure({ appid, quotas: { '/cgi-bin/message/custom/send': { perDay: 0 } } });
  const path = '/cgi-bin/message/custom/send';
  t.is((await ask(`${origin}${path}?access_token=garbage`, { body: 'no json' })).json().errcode, 40001);
  t.is((await call(path, { body: 'no json' })).json().errcode, 45009);
  control.configure({ appid, quotas: { '/cgi-bin/message/custom/send': {} } });
  t.is((await call(path, { body: 'no json' })).json().errcode, 47001);
  t.is((await call(path, { method: 'POST', body: '' })).json().errcode, 44002);
  t.is((await call(path, { body: {} })).json().errcode, 0);
});

test('the rid is written in each of its known forms, with or without escaped slashes', async (t) => {
  const { origin, control } = await startPlatform(t);
  const said = async () => String((await ask(`${origin}/cgi-bin/menu/get`)).json().errmsg);
  const forms = {
    space: new RegExp(`^access_token missing rid: ${RID}$`),
    comma: new RegExp(`^access_token missing, rid: ${RID}$`),
    hint: /^access_token missing hint: \[\w+\]$/,
    hints: /^access_token missing hints: \[\w+!\]$/,
    reqId: /^access_token missing, hints: \[ req_id: \w+ \]$/,
    both: new RegExp(`^access_token missing hint: \\[\\w+\\] rid: ${RID}$`),
    none: /^access_token missing$/,
  } as const;
  for (const [ridStyle, form] of Object.entries(forms)) {
    control.knobs({ ridStyle: ridStyle as keyof typeof forms });
    t.regex(await said(), form);
  }
  control.knobs({ escapeSlashes: true });
  const escaped = await ask(`${origin}/cgi-bin/menu/get?access_token=x`);
  t.true(escaped.body.includes(String.raw`https:\/\/mmbizurl.cn\/s`));
  t.is(escaped.json().errcode, 40001);
});

test('responses are compressed for callers that accept gzip, if the knob says so', async (t) => {
  const { origin } = await startPlatform(t, { knobs: { gzip: true } });
  const answer = await ask(`${origin}/nowhere`, { headers: { 'accept-encoding': 'gzip' } });
  t.is(answer.headers['content-encoding'], 'gzip');
  t.is(answer.body[0], 0x1f);
  t.is((await ask(`${origin}/nowhere`)).headers['content-encoding'], undefined);
});

test('a request target in absolute form is read like any other', async (t) => {
  const { port } = await startSimulator(t);
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write('GET http://api.weixin.qq.com/cgi-bin/token?x=1 HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\r\n');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  t.regex(bytes.toString(), /"errcode":41002/);
  t.deepEqual(splitTarget('https://a:1/b/c?d?e'), { path: '/b/c', rawQuery: 'd?e' });
  t.deepEqual(splitTarget('/b'), { path: '/b', rawQuery: '' });
});
