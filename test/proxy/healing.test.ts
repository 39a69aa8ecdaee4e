import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test from 'ava';
import { standInFor } from '../../src/wechat/stand-in.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { startPair, startTestProxy } from '../support/proxy.ts';
import { startSimulator } from '../support/simulator.ts';
import { rawConnection } from '../support/raw-call.ts';
import { json, OK, startScriptedUpstream, tokenOf } from '../support/scripted-upstream.ts';

const STAND_IN = standInFor(DEMO_APP.appid);
const REFUSED = json('{"errcode":40001,"errmsg":"invalid credential rid: 5f38a263-3d4c3ccd-01e705f7"}');

async function metricsOf(proxy: { metrics: { page(): Promise<string> } }, name: string): Promise<string[]> {
  return (await proxy.metrics.page()).split('\n').filter((line) => line.startsWith(name));
}

test('a call whose token was killed is healed, and the replay has the same bytes', async (t) => {
  const { simulator, proxy } = await startPair(t);
  const body = '{"touser":"oABC","msgtype":"text","text":{"content":"你好 12345678901234567890"}}';
  const call = (): Promise<Response> =>
    fetch(`${proxy.base}/cgi-bin/message/custom/send`, { method: 'POST', body });
  t.regex((await call()).headers.get('x-wechat-sidecar') ?? '', /replay=0$/);
  simulator.control.revoke();
  const healed = await call();
  t.regex(healed.headers.get('x-wechat-sidecar') ?? '', /replay=1$/);
  t.deepEqual(await healed.json(), { errcode: 0, errmsg: 'ok' });
  const sha256 = createHash('sha256').update(body).digest('hex');
  const sent = simulator.control.arrivals({ path: '/cgi-bin/message/custom/send' });
  t.deepEqual(
    sent.map((arrival) => arrival.body?.sha256),
    [sha256, sha256, sha256],
  );
  t.deepEqual(await metricsOf(proxy, 'wechat_sidecar_replays_total{'), [
    'wechat_sidecar_replays_total{app="wx000000000000de30",errcode="40001",outcome="recovered"} 1',
  ]);
});

test('300 callers with one dead token cause one refresh, and none of them notices', async (t) => {
  const { simulator, proxy } = await startPair(t);
  await fetch(`${proxy.base}/cgi-bin/get_api_domain_ip`);
  simulator.control.expire();
  const answers = await Promise.all(
    Array.from({ length: 300 }, async () => (await fetch(`${proxy.base}/cgi-bin/getcallbackip`)).text()),
  );
  t.true(answers.every((answer) => answer.includes('ip_list')));
  const { stableFetches, forcedFetches } = simulator.control.counters().apps[DEMO_APP.appid] ?? {};
  t.true((stableFetches ?? 99) + (forcedFetches ?? 99) <= 3, `${stableFetches} + ${forcedFetches}`);
});

test('an endpoint that always refuses causes few calls to the platform, and a caller with a stand-in gets no token error', async (t) => {
  const { simulator, proxy } = await startPair(t);
  simulator.control.break({ path: '/wxa/getwxacode', fault: { kind: 'errcode', errcode: 40001 } });
  const call = async (query: string): Promise<{ errcode: number; errmsg: string }> =>
    (await (await fetch(`${proxy.base}/wxa/getwxacode${query}`, { method: 'POST', body: '{}' })).json()) as {
      errcode: number;
      errmsg: string;
    };
  const plain = await Promise.all(Array.from({ length: 40 }, () => call('')));
  t.deepEqual([...new Set(plain.map((answer) => answer.errcode))], [40001]);
  const standIns = await Promise.all(Array.from({ length: 40 }, () => call(`?access_token=${STAND_IN}`)));
  t.deepEqual([...new Set(standIns.map((answer) => answer.errcode))], [-40001]);
  t.regex(standIns[0]?.errmsg ?? '', /^wechat-sidecar: /);
  const app = simulator.control.counters().apps[DEMO_APP.appid];
  const tokenCalls =
    (app?.stableFetches ?? 99) + (app?.forcedFetches ?? 99) + (app?.getApiDomainIpCalls ?? 99);
  t.true(tokenCalls < 10, `${tokenCalls} token calls`);
  t.is(app?.forcedFetches, 0);
});

test('the header says why a refused call was not sent again', async (t) => {
  const { simulator, proxy } = await startPair(t);
  const wordOf = async (path: string): Promise<string> => {
    const answer = await fetch(`${proxy.base}${path}`, { method: 'POST', body: '{}' });
    await answer.arrayBuffer();
    return (answer.headers.get('x-wechat-sidecar') ?? '').replace(/^.*; replay=/, '');
  };
  simulator.control.break({ path: '/wxa/getwxacode', fault: { kind: 'errcode', errcode: 40001 } });
  t.is(await wordOf('/wxa/getwxacode'), '0; token=held');
  t.is(await wordOf('/wxa/getwxacode'), '0; token=held');
  // The first forced refresh heals; the second has to wait for 30 s.
  simulator.control.revoke();
  t.is(await wordOf('/cgi-bin/message/custom/send'), '1');
  simulator.control.revoke();
  t.is(await wordOf('/cgi-bin/message/custom/send'), '0; token=waiting');
  t.is(await wordOf('/cgi-bin/message/custom/send'), '0; token=waiting');
  t.deepEqual(await metricsOf(proxy, 'wechat_sidecar_token_looks_total{'), [
    'wechat_sidecar_token_looks_total{app="wx000000000000de30",outcome="accepted"} 1',
    'wechat_sidecar_token_looks_total{app="wx000000000000de30",outcome="refused"} 2',
  ]);
  t.deepEqual(await metricsOf(proxy, 'wechat_sidecar_token_rationed{'), [
    'wechat_sidecar_token_rationed{app="wx000000000000de30"} 1',
  ]);
});

test('any other errcode is passed on and triggers nothing', async (t) => {
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    const errcode = /code=([-\d]+)/.exec(head)?.[1];
    socket.write(json(`{"errcode":${errcode},"errmsg":"x"}`));
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  for (const errcode of [41001, 42007, 48001, 61004, 45009, -1, 40013, 0]) {
    const answer = await fetch(`${proxy.base}/wxa/x?code=${errcode}`);
    t.deepEqual(await answer.json(), { errcode, errmsg: 'x' });
  }
  t.is(upstream.requests.length, 8);
});

test('a refusal that arrives before the body is complete is healed with the complete body', async (t) => {
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    socket.write(head.includes('get_api_domain_ip') ? json('{"errcode":40001}') : OK);
  });
  const early = await startEarlyRefuser(t, upstream.origin);
  const proxy = await startTestProxy(t, [early.origin]);
  const connection = await rawConnection(proxy.port);
  const part = 'x'.repeat(100_000);
  connection.socket.write(
    `POST /wxa/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n${part}`,
  );
  await early.refused;
  connection.socket.write(part);
  const answer = await connection.untilClosed();
  t.regex(answer, /replay=1/);
  t.is(upstream.requests.at(-1)?.body.length, 200_000);
});

test('a foreign token passes untouched and is never judged; it can be replaced or refused instead', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(REFUSED));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const path = '/wxa//x?a=%7e&access_token=99_foreign-token-of-another-account-0123456789&b=http://x//y';
  const answer = await fetch(`${proxy.base}${path}`, { headers: { 'X-Odd': 'é' } });
  t.is(((await answer.json()) as { errcode: number }).errcode, 40001);
  t.regex(upstream.requests[0]?.head ?? '', new RegExp(`^GET ${path.replaceAll('?', '\\?')} HTTP/1.1`));
  t.is(upstream.requests.length, 1);

  const replacing = await startTestProxy(t, [upstream.origin], { WECHAT_SIDECAR_FOREIGN_TOKENS: 'replace' });
  await fetch(`${replacing.base}/wxa/x?access_token=99_foreign-token-of-another-account-0123456789`);
  t.regex(tokenOf(upstream.requests[1]!) ?? '', /^scripted_token_/);

  const rejecting = await startTestProxy(t, [upstream.origin], { WECHAT_SIDECAR_FOREIGN_TOKENS: 'reject' });
  const rejected = await fetch(
    `${rejecting.base}/wxa/x?access_token=99_foreign-token-of-another-account-0123456789`,
  );
  t.is(rejected.status, 200);
  t.is(rejected.headers.get('x-wechat-sidecar-error'), 'foreign_token');
});

test("a body that is not kept is sent once, and the caller's own next attempt succeeds", async (t) => {
  const { simulator, proxy } = await startPair(t, { WECHAT_SIDECAR_REPLAY_BODY_LIMIT: '1KiB' });
  const body = Buffer.alloc(5_000, 'x');
  const call = async (): Promise<Response> =>
    fetch(`${proxy.base}/cgi-bin/message/custom/send?access_token=${STAND_IN}`, { method: 'POST', body });
  t.is(((await (await call()).json()) as { errcode: number }).errcode, 47001);
  simulator.control.revoke();
  const refused = (await (await call()).json()) as { errcode: number };
  t.is(refused.errcode, 40001);
  t.is(((await (await call()).json()) as { errcode: number }).errcode, 47001);
  t.regex((await metricsOf(proxy, 'wechat_sidecar_replays_skipped_total')).join(), /body_too_large/);
  const chunked = await fetch(`${proxy.base}/wxa/x`, {
    method: 'POST',
    body: new Blob([body]).stream(),
    duplex: 'half',
  });
  t.is(chunked.status, 413);
});

test('login calls get the secret, and token calls return a stand-in', async (t) => {
  const { simulator, proxy } = await startPair(t);
  const token = (await (
    await fetch(`${proxy.base}/cgi-bin/token?grant_type=client_credential&appid=${DEMO_APP.appid}&secret=x`)
  ).json()) as { access_token: string; expires_in: number };
  t.deepEqual(token, { access_token: STAND_IN, expires_in: 7200 });
  const stable = await fetch(`${proxy.base}/cgi-bin/stable_token`, {
    method: 'POST',
    body: JSON.stringify({ appid: DEMO_APP.appid, secret: 'x', force_refresh: true }),
  });
  t.deepEqual(await stable.json(), token);
  const unknown = await fetch(`${proxy.base}/cgi-bin/token?appid=wxnobody`);
  t.is(((await unknown.json()) as { errcode: number }).errcode, 40013);
  t.is(simulator.control.counters().paths['/cgi-bin/token'], undefined);

  await fetch(`${proxy.base}/sns/jscode2session?js_code=c&secret=made-up&grant_type=authorization_code`);
  const [login] = simulator.control.arrivals({ path: '/sns/jscode2session' });
  t.is(
    login?.url,
    `/sns/jscode2session?js_code=c&secret=${DEMO_APP.secret}&grant_type=authorization_code&appid=${DEMO_APP.appid}`,
  );
  await fetch(`${proxy.base}/x/..%2fsns/%6ascode2session?js_code=d`);
  t.regex(simulator.control.arrivals().at(-1)?.url ?? '', /^\/sns\/jscode2session\?/);
  const deleted = await fetch(`${proxy.base}/sns/jscode2session`, { method: 'DELETE' });
  t.is(deleted.headers.get('x-wechat-sidecar-error'), 'bad_request');
  t.false(proxy.lines.join('').includes(DEMO_APP.secret));
});

/** Answers the first half of a long body with a refusal; passes everything else on. */
async function startEarlyRefuser(
  t: { teardown(run: () => unknown): void },
  origin: string,
): Promise<{ origin: string; refused: Promise<void> }> {
  let markRefused = (): void => {};
  const refused = new Promise<void>((resolve) => {
    markRefused = resolve;
  });
  let isFirst = true;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    let isRefusing = false;
    const onward = connect(Number(new URL(origin).port), '127.0.0.1');
    onward.on('error', () => {});
    onward.pipe(socket);
    socket.on('data', (chunk) => {
      if (isFirst && chunk.toString('latin1').startsWith('POST /wxa/x')) {
        isFirst = false;
        isRefusing = true;
        socket.write(REFUSED);
        markRefused();
      }
      if (!isRefusing) onward.write(chunk);
    });
    socket.on('close', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`, refused };
}

test('denied paths are refused with their variants of case, parameters and slashes', async (t) => {
  const { proxy } = await startPair(t, {
    WECHAT_SIDECAR_DENY_PATHS: '/cgi-bin/Menu/delete,/cgi-bin/clear_quota*',
  });
  for (const path of [
    '/cgi-bin/menu/delete',
    '/CGI-BIN/menu/delete/',
    '/cgi-bin/menu;x/delete',
    '/cgi-bin/clear_quota/v2',
  ]) {
    const answer = await fetch(proxy.base + path);
    t.is(answer.headers.get('x-wechat-sidecar-error'), 'forbidden_path', path);
  }
  const other = await fetch(`${proxy.base}/cgi-bin/menu/get`);
  t.is(other.headers.get('x-wechat-sidecar-error'), null);
});

test('a token that somebody wrote into the path does not reach the log', async (t) => {
  const refusal = json('{"errcode":40001,"errmsg":"invalid credential"}');
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(refusal));
  const proxy = await startTestProxy(t, [upstream.origin]);
  await fetch(`${proxy.base}/wxa/x%3Faccess_token=92_SOMEBODYS_TOKEN`);
  t.true(proxy.lines.some((line) => line.includes('call replayed')));
  t.false(proxy.lines.join('').includes('SOMEBODYS'));
});

test('if there is no token, an SDK that requests a ticket is not told that its token is invalid', async (t) => {
  const simulator = await startSimulator(t);
  simulator.control.delay({ path: '/cgi-bin/stable_token', ms: 1_500 });
  simulator.control.break({ path: '/cgi-bin/stable_token', fault: { kind: 'errcode', errcode: 40001 } });
  const proxy = await startTestProxy(t, [simulator.origin]);
  const ask = async (query: string): Promise<unknown> => {
    const answer = await fetch(`${proxy.base}/cgi-bin/ticket/getticket?type=jsapi${query}`);
    t.is(answer.headers.get('x-wechat-sidecar-error'), 'token_unavailable');
    return ((await answer.json()) as { errcode: number }).errcode;
  };
  t.deepEqual(await Promise.all([ask(''), ask(`&access_token=${STAND_IN}`)]), [40001, -40001]);
});
