import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { standInFor } from '../../src/wechat/stand-in.ts';
import { type RunningProxy, startPair, startTestProxy } from '../support/proxy.ts';
import { startScriptedUpstream } from '../support/scripted-upstream.ts';
import { ask } from '../support/simulator-client.ts';
import { secretsIn } from '../support/secrets-nowhere.ts';

const { appid: APP } = DEMO_APP;
const ALL = { WECHAT_SIDECAR_ACCESS_LOG: 'all' };
const FOREIGN = 'f'.repeat(60);

type Line = Readonly<Record<string, unknown>>;

function accessLines(proxy: RunningProxy): Line[] {
  return proxy.lines.map((line) => JSON.parse(line) as Line).filter(({ event }) => event === 'access');
}

/** The last of `count` lines; a line may follow its response by a moment. */
async function untilLine(t: ExecutionContext, proxy: RunningProxy, count: number): Promise<Line> {
  while (accessLines(proxy).length < count) await new Promise((resolve) => setImmediate(resolve));
  const lines = accessLines(proxy);
  t.is(lines.length, count);
  return lines[count - 1] as Line;
}

test('each call has one line: what was called, how it ended, how long it took', async (t) => {
  const { simulator, proxy } = await startPair(t, ALL);
  const body = '{"touser":"oABC"}';
  await ask(`${proxy.base}/cgi-bin/message/custom/send?touser=oSecretOpenid`, { body });
  const first = await untilLine(t, proxy, 1);
  t.like(first, {
    level: 'info',
    app: APP,
    method: 'POST',
    path: '/cgi-bin/message/custom/send',
    status: 200,
    errcode: 0,
    by: 'platform',
    replay: 0,
    bytesIn: body.length,
    bytesOut: '{"errcode":0,"errmsg":"ok"}'.length,
  });
  for (const name of ['durationMs', 'upstreamMs', 'tokenMs']) t.is(typeof first[name], 'number', name);
  t.true((first['durationMs'] as number) >= (first['upstreamMs'] as number));

  simulator.control.revoke();
  await ask(`${proxy.base}/cgi-bin/getcallbackip`);
  const healed = await untilLine(t, proxy, 2);
  t.like(healed, { path: '/cgi-bin/getcallbackip', errcode: undefined, replay: 1, bytesIn: 0 });
  t.true((healed['tokenMs'] as number) > 0, 'the report was waited for');
  t.deepEqual(secretsIn(proxy.lines.filter((line) => line.includes('"access"')).join()), []);
});

test('every kind of call is logged, in both lanes', async (t) => {
  const { proxy } = await startPair(t, { ...ALL, WECHAT_SIDECAR_REPLAY_BODY_LIMIT: '1KiB' });
  let count = 0;
  const line = async (path: string, request?: Parameters<typeof ask>[1]): Promise<Line> => {
    const { body } = await ask(proxy.base + path, request);
    const told = await untilLine(t, proxy, (count += 1));
    if (request?.method !== 'HEAD') t.is(told['bytesOut'], body.length, path);
    return told;
  };
  t.like(await line(`/cgi-bin/user/info?access_token=${FOREIGN}`), { errcode: 40001, by: 'platform' });
  t.like(await line('/wxa/getwxacode', { body: { path: 'a' } }), { errcode: undefined, status: 200 });
  t.like(await line('/cgi-bin/message/custom/send', { body: 'x'.repeat(5_000) }), { bytesIn: 5_000 });
  t.like(await line('/cgi-bin/message/custom/send', { body: '{"touser":"o"}', chunked: true }), {
    bytesIn: 14,
  });
  t.like(await line('/cgi-bin/getcallbackip', { method: 'HEAD' }), { method: 'HEAD', bytesOut: 0 });
  t.like(await line(`/cgi-bin/token?grant_type=client_credential&appid=${APP}&secret=x`), {
    path: '/cgi-bin/token',
    by: 'sidecar',
    upstreamMs: 0,
  });
  t.like(await line('/sns/jscode2session?js_code=none&grant_type=authorization_code'), {
    app: APP,
    replay: 0,
  });
  t.like(await line('/__sidecar/jssdk-signature?url=https%3A%2F%2Fa.example'), {
    by: 'sidecar',
    status: 200,
  });
  t.like(await line('/cgi-bin/nothing%2e%2e/x', { headers: { 'x-wechat-appid': 'wxnobody' } }), {
    reason: 'unknown_app',
    errcode: -3,
    by: 'sidecar',
  });
  t.like(await line('/cgi-bin/x%3Faccess_token%3Dsecret', { headers: { origin: 'https://evil.example' } }), {
    path: '/cgi-bin/x',
    reason: 'forbidden_origin',
    status: 403,
  });
});

test('a path is bounded, and anything in it that may be a token is not shown', async (t) => {
  const { proxy } = await startPair(t, ALL);
  const standIn = standInFor(APP);
  await ask(`${proxy.base}/cgi-bin/${standIn}/oABCDEFGH1234567890123456789/a?b=c`);
  t.is((await untilLine(t, proxy, 1))['path'], '/cgi-bin/[redacted]/[redacted]/a');
  await ask(`${proxy.base}/${'abc/'.repeat(2_000)}`);
  t.true(((await untilLine(t, proxy, 2))['path'] as string).length <= 130);
});

test('with errors only failed calls are logged, with off none; a changed setting takes effect immediately', async (t) => {
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    const status = head.includes('/cgi-bin/bad') ? '500 Error' : '200 OK';
    const body = head.includes('/cgi-bin/quota') ? '{"errcode":45009}' : '{"errcode":0}';
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  const proxy = await startTestProxy(t, [upstream.origin], { WECHAT_SIDECAR_ACCESS_LOG: 'errors' });
  for (const path of ['/cgi-bin/good', '/cgi-bin/bad', '/cgi-bin/good', '/cgi-bin/quota']) {
    await ask(proxy.base + path);
  }
  await ask(`${proxy.base}/cgi-bin/good`, { headers: { 'x-wechat-appid': 'wxnobody' } });
  await untilLine(t, proxy, 3);
  t.deepEqual(
    accessLines(proxy).map(({ status, errcode, reason }) => [status, errcode, reason]),
    [
      [500, undefined, undefined],
      [200, 45009, undefined],
      [200, -3, 'unknown_app'],
    ],
  );
  proxy.reconfigure({ WECHAT_SIDECAR_ACCESS_LOG: 'off' });
  await ask(`${proxy.base}/cgi-bin/bad`);
  proxy.reconfigure({ WECHAT_SIDECAR_ACCESS_LOG: 'all' });
  await ask(`${proxy.base}/cgi-bin/good`);
  t.like(await untilLine(t, proxy, 4), { path: '/cgi-bin/good' });
});

test('a caller that disconnects and a response that is cut off are logged as such', async (t) => {
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    if (head.includes('/cgi-bin/never')) return;
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9000\r\n\r\n');
    socket.write('x'.repeat(6_000), () => socket.end());
  });
  const proxy = await startTestProxy(t, [upstream.origin], { WECHAT_SIDECAR_ACCESS_LOG: 'errors' });
  await t.throwsAsync(ask(`${proxy.base}/cgi-bin/media/get`));
  t.like(await untilLine(t, proxy, 1), { status: 200, cut: true, bytesOut: 6_000 });
  const caller = connect(proxy.port, '127.0.0.1');
  caller.write('GET /cgi-bin/never HTTP/1.1\r\nHost: localhost\r\n\r\n');
  while (upstream.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
  caller.destroy();
  await once(caller, 'close');
  t.like(await untilLine(t, proxy, 2), { path: '/cgi-bin/never', status: 499 });
});
