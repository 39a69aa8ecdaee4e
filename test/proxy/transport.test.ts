import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { standInFor } from '../../src/wechat/stand-in.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { patientClock } from '../support/patient-clock.ts';
import { startTestProxy } from '../support/proxy.ts';
import { rawConnection } from '../support/raw-call.ts';
import { json, OK, startScriptedUpstream } from '../support/scripted-upstream.ts';

/** A port on which nobody listens. */
async function deadOrigin(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

const FOREIGN = 'access_token=99_foreign-token-of-another-account-0123456789';

for (const [how, query] of [
  ['an injected call', ''],
  ['a passing call', `?${FOREIGN}`],
] as const) {
  test(`${how} with a body goes to the next origin if the first cannot be connected`, async (t) => {
    const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
    const proxy = await startTestProxy(t, [await deadOrigin(), upstream.origin]);
    for (let time = 0; time < 3; time++) {
      const answer = await fetch(`${proxy.base}/wxa/x${query}`, {
        method: 'POST',
        body: 'x'.repeat(100_000),
      });
      t.deepEqual(await answer.json(), { errcode: 0, errmsg: 'ok' });
    }
    t.deepEqual(
      upstream.requests.map((request) => request.body.length),
      [100_000, 100_000, 100_000],
    );
    t.regex(await proxy.metrics.page(), /wechat_sidecar_upstream_failovers_total\{host="127[^}]*\} 1\n/);
  });

  test(`${how} for which no origin can be connected is upstream_unreachable`, async (t) => {
    const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
    const proxy = await startTestProxy(t, [upstream.origin]);
    await fetch(`${proxy.base}/wxa/x`);
    await upstream.close();
    const answer = await fetch(`${proxy.base}/wxa/x${query}`, { method: 'POST', body: 'x' });
    t.is(answer.status, 200);
    t.is(answer.headers.get('x-wechat-sidecar-error'), 'upstream_unreachable');
    t.is(((await answer.json()) as { errcode: number }).errcode, -1);
  });

  test(`${how} by GET that dies on an idle connection is sent once more, one by POST is not`, async (t) => {
    const upstream = await startScriptedUpstream(t, ({ head, reused }, socket) => {
      // A platform that has just let go of an idle connection.
      if (head.includes('/idle') && reused) socket.destroy();
      else socket.write(OK);
    });
    const proxy = await startTestProxy(t, [upstream.origin]);
    const call = async (path: string, init: RequestInit = {}): Promise<unknown> =>
      (await fetch(`${proxy.base}${path}${query}`, init)).json();
    await call('/wxa/warm');
    t.deepEqual(await call('/wxa/idle'), { errcode: 0, errmsg: 'ok' });
    await call('/wxa/warm');
    const sent = upstream.requests.length;
    const post = (await call('/wxa/idle', { method: 'POST', body: 'x' })) as { errcode: number };
    t.is(post.errcode, -2);
    t.is(upstream.requests.length, sent + 1);
  });

  test(`${how} without a response in time is upstream_timeout, with errorStatus http a 504`, async (t) => {
    const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
      if (head.includes('/ok')) socket.write(OK);
    });
    const proxy = await startTestProxy(t, [upstream.origin], {
      WECHAT_SIDECAR_ANSWER_TIMEOUT: '300ms',
      WECHAT_SIDECAR_ERROR_STATUS: 'http',
    });
    await fetch(`${proxy.base}/wxa/ok`);
    const answer = await fetch(`${proxy.base}/wxa/x${query}`, { method: 'POST', body: 'x' });
    t.is(answer.status, 504);
    t.is(answer.headers.get('x-wechat-sidecar-error'), 'upstream_timeout');
    t.is(((await answer.json()) as { errcode: number }).errcode, -2);
    t.is(upstream.requests.length, 2);
  });

  test(`${how} is ended at the platform when its caller disconnects`, async (t) => {
    let left = (): void => {};
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    const upstream = await startScriptedUpstream(t, (_, socket) => void socket.once('close', left));
    const proxy = await startTestProxy(t, [upstream.origin]);
    const caller = await rawConnection(proxy.port);
    caller.socket.write(`POST /wxa/x${query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx`);
    while (upstream.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    caller.socket.destroy();
    await gone;
    t.is(upstream.requests.length, 1);
  });

  test(`${how} whose response is cut off is cut off for the caller too`, async (t) => {
    const upstream = await startScriptedUpstream(t, (_, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5_000)}`);
      setTimeout(() => socket.destroy(), 20);
    });
    const proxy = await startTestProxy(t, [upstream.origin]);
    const answer = await fetch(`${proxy.base}/wxa/x${query}`);
    t.is(answer.status, 200);
    await t.throwsAsync(answer.text());
  });

  test(`${how} whose small response is cut off is upstream_broken`, async (t) => {
    const upstream = await startScriptedUpstream(t, (_, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"errcode":');
    });
    const proxy = await startTestProxy(t, [upstream.origin]);
    const answer = await fetch(`${proxy.base}/wxa/x${query}`);
    t.is(answer.headers.get('x-wechat-sidecar-error'), 'upstream_broken');
  });

  test(`${how} with a slow reader does not buffer its response`, async (t) => {
    let written = 0;
    const upstream = await startScriptedUpstream(t, (_, socket) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${chunk.length * 2_000}\r\n\r\n`);
      const pump = (): void => {
        while (written < 2_000 && !socket.destroyed) {
          written += 1;
          if (!socket.write(chunk)) {
            socket.once('drain', pump);
            return;
          }
        }
      };
      pump();
    });
    const proxy = await startTestProxy(t, [upstream.origin]);
    const caller = await rawConnection(proxy.port);
    caller.socket.pause();
    caller.socket.write(`GET /wxa/x${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    // Everything on the way is full when nothing more is written for a while.
    for (let before = -1; before <= 0 || before !== written;) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    t.true(written < 1_000, `${written} of 2000 chunks were taken`);
    caller.socket.resume();
    const whole = await caller.untilClosed();
    t.is(whole.length - whole.indexOf('\r\n\r\n') - 4, 64 * 1024 * 2_000);
  });
}

test('a signed call stays on the first origin', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [await deadOrigin(), upstream.origin]);
  await fetch(`${proxy.base}/wxa/x`);
  const signed = await fetch(`${proxy.base}/wxa/x`, { headers: { 'Wechatmp-Signature': 's' } });
  t.is(signed.headers.get('x-wechat-sidecar-error'), 'upstream_unreachable');
});

test('a response that is not HTTP is upstream_broken', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.end('nonsense\r\n\r\n'));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const answer = await fetch(`${proxy.base}/wxa/x`, { method: 'POST', body: 'x' });
  t.is(answer.headers.get('x-wechat-sidecar-error'), 'upstream_broken');
});

test('calls over the limit of calls in flight are overloaded', async (t) => {
  const upstream = await startScriptedUpstream(t, () => {});
  const proxy = await startTestProxy(t, [upstream.origin], { WECHAT_SIDECAR_MAX_IN_FLIGHT: '2' });
  const waiting = [1, 2].map(() => fetch(`${proxy.base}/wxa/x`).catch(() => undefined));
  while (upstream.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const answer = await fetch(`${proxy.base}/wxa/x`);
  t.is(answer.headers.get('x-wechat-sidecar-error'), 'overloaded');
  await proxy.role.drain({ delayMs: 0, timeoutMs: 0 });
  await Promise.all(waiting);
});

for (const [what, env, memoryLimitBytes] of [
  ['the setting', { WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT: '100KiB' }, 0],
  ['a quarter of the memory of the container', {}, 400 * 1_024],
] as const) {
  test(`${what} bounds what is kept of bodies, and a body beyond it is still sent once`, async (t) => {
    const upstream = await startScriptedUpstream(
      t,
      (_, socket) => void socket.write(json('{"errcode":40001}')),
    );
    const proxy = await startTestProxy(t, [upstream.origin], env, patientClock, { memoryLimitBytes });
    const standIn = standInFor(DEMO_APP.appid);
    const answer = await fetch(`${proxy.base}/wxa/x?access_token=${standIn}`, {
      method: 'POST',
      body: 'x'.repeat(300_000),
    });
    t.truthy(((await answer.json()) as { errcode: number }).errcode);
    t.is(upstream.requests.filter((request) => request.head.startsWith('POST')).length, 1);
    t.is(upstream.requests[0]?.body.length, 300_000);
    t.regex(await proxy.metrics.page(), /wechat_sidecar_replay_buffer_bytes 0\n/);
  });
}
