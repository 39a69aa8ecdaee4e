import { connect, type Socket } from 'node:net';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ORDERS_KEY, startHubPair } from '../support/hub.ts';
import { until } from '../support/hub-proxy.ts';

test('watches that are queued behind another one are released when their connection closes', async (t) => {
  const { hub } = await startHubPair(t);
  const watchers = (): number => (hub.role.status() as { watchers: number }).watchers;
  const head = `GET /v1/tokens/watch HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${ORDERS_KEY}\r\n\r\n`;
  const socket: Socket = connect(hub.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.resume();
  socket.write(head.repeat(8));
  await until(() => watchers() > 0);
  socket.destroy();
  await until(() => watchers() === 0).catch(() => undefined);
  t.is(watchers(), 0);
});

test('refusals of the page are logged too', async (t) => {
  const { hub } = await startHubPair(t, { file: 'apps: [{ appid: wx00000000000other, secret: other }]' });
  const login = await fetch(`${hub.base}/login`, {
    method: 'POST',
    headers: { origin: hub.base },
    body: `key=${ORDERS_KEY}`,
    redirect: 'manual',
  });
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
  const ask = (appid: string, origin: string): Promise<Response> =>
    fetch(`${hub.base}/page/apps/${appid}/refresh`, { method: 'POST', headers: { cookie, origin } });
  t.is((await ask('wx00000000000other', hub.base)).status, 404);
  t.is((await ask(DEMO_APP.appid, 'http://evil.example')).status, 403);
  const refusals = hub.lines.filter((line) => line.includes('"caller rejected"'));
  t.is(refusals.length, 2);
});
