import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { EventReader } from '../../src/hub-client/sse.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { startHubPair } from '../support/hub.ts';
import { PLAIN_CALL, startHubProxy, until } from '../support/hub-proxy.ts';
import type { Teardown } from '../support/simulator.ts';

const { appid } = DEMO_APP;

async function startFakeHub(t: Teardown, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function problem(status: number, reason: string): RequestListener {
  const content = { type: `urn:wechat-sidecar:problem:${reason}`, title: '', status, detail: reason };
  return (_, response) => response.writeHead(status).end(JSON.stringify(content));
}

test('an event of endless empty lines ends the stream', (t) => {
  const reader = new EventReader();
  const piece = Buffer.from('data:\n'.repeat(10_000));
  const answers = Array.from({ length: 20 }, () => reader.push(piece));
  t.is(answers.at(-1), undefined);
});

for (const [status, reason] of [
  [401, 'unauthorized'],
  [404, 'unknown_app'],
] as const) {
  test(`a refused token is healed by the second hub if the first one responds with ${status}`, async (t) => {
    const { simulator, hub } = await startHubPair(t);
    const first = await startFakeHub(t, problem(status, reason));
    const proxy = await startHubProxy(t, [simulator.origin], [first, hub.base], {
      env: { WECHAT_SIDECAR_DEFAULT_APP: appid },
    });
    await until(() => proxy.fingerprint() !== undefined);
    simulator.control.overwrite();
    t.true('ip_list' in (await proxy.answer(PLAIN_CALL)));
  });
}

test('a refused token is healed by the second hub if the first one has no other', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const stale = (await hub.call(`/v1/apps/${appid}/token`)).json();
  // As a hub answers that is cut from its store and must not fetch on its own.
  const first = await startFakeHub(t, (request, response) => {
    if (request.url?.startsWith('/v1/tokens/watch') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: token\ndata: ${JSON.stringify(stale)}\n\n`);
    } else if (request.url === '/v1/apps') {
      response.end(JSON.stringify({ apps: [{ appid, name: 'demo', mode: 'classic' }] }));
    } else problem(503, 'token_unavailable')(request, response);
  });
  const proxy = await startHubProxy(t, [simulator.origin], [first, hub.base]);
  await until(() => proxy.fingerprint() !== undefined);
  simulator.control.overwrite();
  t.true('ip_list' in (await proxy.answer(PLAIN_CALL)));
});

test('a hub whose clock was ahead does not make the next hub’s tokens look old', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const current = (await hub.call(`/v1/apps/${appid}/token`)).json();
  const aheadMs = 3 * 3_600_000;
  const ahead = {
    ...current,
    issued_at: new Date(Date.parse(String(current['issued_at'])) + aheadMs).toISOString(),
    expires_at: new Date(Date.parse(String(current['expires_at'])) + aheadMs).toISOString(),
  };
  let isGone = false;
  const first = await startFakeHub(t, (request, response) => {
    if (isGone) request.socket.destroy();
    else if (request.url?.startsWith('/v1/tokens/watch') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: token\ndata: ${JSON.stringify(ahead)}\n\n`);
      setTimeout(() => {
        isGone = true;
        response.destroy();
      }, 200);
    } else response.end(JSON.stringify({ apps: [{ appid, name: 'demo', mode: 'stable' }] }));
  });
  const proxy = await startHubProxy(t, [simulator.origin], [first, hub.base]);
  await until(() => proxy.fingerprint() === current['fingerprint']);
  simulator.control.overwrite();
  const report = { body: { fingerprint: current['fingerprint'], errcode: 40001 } };
  const next = (await hub.call(`/v1/apps/${appid}/token/refresh`, report)).json()['fingerprint'];
  t.not(next, current['fingerprint']);
  await until(() => proxy.fingerprint() === next).catch(() => undefined);
  t.is(proxy.fingerprint(), next as string);
});

test('the metric of a token disappears when the hub removes its account', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const token = (await hub.call(`/v1/apps/${appid}/token`)).json();
  const lastSecond = { ...token, expires_in: 1 };
  const fake = await startFakeHub(t, (request, response) => {
    if (request.url?.startsWith('/v1/tokens/watch') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: token\ndata: ${JSON.stringify(lastSecond)}\n\n`);
    } else if (request.url === '/v1/apps') {
      response.end(JSON.stringify({ apps: [{ appid, name: 'demo', mode: 'stable' }] }));
    } else problem(404, 'unknown_app')(request, response);
  });
  const proxy = await startHubProxy(t, [simulator.origin], [fake]);
  const isTold = async (): Promise<boolean> =>
    (await proxy.metrics.page()).includes(`wechat_sidecar_token_expires_timestamp_seconds{app="${appid}"}`);
  await until(isTold);
  await until(async () => !('ip_list' in (await proxy.answer(PLAIN_CALL))));
  t.false(await isTold());
});
