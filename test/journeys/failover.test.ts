import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { INFO, startSidecar } from '../support/sidecar.ts';
import { type RunningSimulator, startSimulator, type Teardown } from '../support/simulator.ts';

/** Another address of the same platform, which can be closed and reopened on its port. */
async function openEntrance(t: Teardown, platform: RunningSimulator, port = 0): Promise<Entrance> {
  const handle = platform.simulator.handler();
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.teardown(close);
  const taken = (server.address() as AddressInfo).port;
  return { port: taken, origin: `http://127.0.0.1:${taken}`, seen, close };
}

interface Entrance {
  readonly port: number;
  readonly origin: string;
  /** The targets of the requests that arrived here. */
  readonly seen: string[];
  close(): Promise<void>;
}

test.serial('if the first upstream fails, calls continue on the second and return later', async (t) => {
  const platform = await startSimulator(t);
  const [first, second] = [await openEntrance(t, platform), await openEntrance(t, platform)];
  const sidecar = await startSidecar(t, [first.origin, second.origin]);
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is(second.seen.length, 0);

  await first.close();
  for (let i = 0; i < 5; i += 1) {
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    t.is(await sidecar.errcode('/cgi-bin/message/custom/send', { body: { touser: 'oX' } }), 0);
  }
  t.is(second.seen.length, 10);
  const line = await sidecar.untilLine('upstream connection failed; trying the next');
  t.is(line['host'], `127.0.0.1:${first.port}`);
  t.is(line['reason'], 'ECONNREFUSED');
  t.is(await sidecar.metric('wechat_sidecar_upstream_failovers_total', `host="127.0.0.1:${first.port}"`), 1);
  t.deepEqual(
    (await sidecar.status()).upstreams.map(({ state }) => state),
    ['skipped', 'up'],
  );

  const again = await openEntrance(t, platform, first.port);
  while (again.seen.length === 0) {
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    await pause(100);
  }
  t.deepEqual(
    (await sidecar.status()).upstreams.map(({ state }) => state),
    ['up', 'up'],
  );
});

test.serial(
  'if the first upstream swallows connections, the second responds within the connect timeout',
  async (t) => {
    // Accepts the connection and never answers the TLS handshake.
    const hole = createTcpServer();
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
    t.teardown(() => hole.close());
    const { port } = hole.address() as AddressInfo;
    const platform = await startSimulator(t);
    const env = { WECHAT_SIDECAR_CONNECT_TIMEOUT: '700ms', WECHAT_SIDECAR_LOG_LEVEL: 'info' };
    const sidecar = await startSidecar(t, [`https://127.0.0.1:${port}`, platform.origin], { env });
    t.is((await sidecar.untilLine('token refreshed'))['trigger'], 'startup');
    const tooSlowMs = 20_000;
    const beganMs = performance.now();
    const calls = [
      INFO,
      `${INFO}&access_token=somebody-elses-token-of-some-length`,
      '/sns/userinfo?access_token=user&openid=o1',
    ];
    const replies = await Promise.all(calls.map((path) => sidecar.call(path)));
    t.deepEqual(
      replies.map(({ headers }) => headers['x-wechat-sidecar-error']),
      [undefined, undefined, undefined],
    );
    t.true(performance.now() - beganMs < tooSlowMs);
    t.is(platform.control.arrivals({ path: '/cgi-bin/user/info' }).length, 2);
  },
);

test.serial('a signed call stays on the first upstream or fails', async (t) => {
  const platform = await startSimulator(t);
  const [first, second] = [await openEntrance(t, platform), await openEntrance(t, platform)];
  const sidecar = await startSidecar(t, [first.origin, second.origin]);
  await first.close();
  const headers = { 'Wechatmp-Signature': 'c2lnbmVk', 'Wechatmp-Appid': 'wx0' };
  for (const query of ['', '&access_token=somebody-elses-token-of-some-length']) {
    const reply = await sidecar.call(INFO + query, { headers });
    t.is(reply.headers['x-wechat-sidecar-error'], 'upstream_unreachable');
    t.is(reply.json()['errcode'], -1);
  }
  t.is(second.seen.length, 0);
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01', 'others go on by the second');
});

test.serial(
  'if all upstreams are down they are still tried, and one that recovers is found at once',
  async (t) => {
    const platform = await startSimulator(t);
    const [first, second] = [await openEntrance(t, platform), await openEntrance(t, platform)];
    const sidecar = await startSidecar(t, [first.origin, second.origin]);
    await Promise.all([first.close(), second.close()]);
    for (let i = 0; i < 3; i += 1) {
      t.is((await sidecar.call(INFO)).headers['x-wechat-sidecar-error'], 'upstream_unreachable');
    }
    await openEntrance(t, platform, second.port);
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    t.is(await sidecar.health('readyz'), 200);
  },
);

test.serial('a token that dies while the first upstream is down is healed through the second', async (t) => {
  const platform = await startSimulator(t);
  const [first, second] = [await openEntrance(t, platform), await openEntrance(t, platform)];
  const sidecar = await startSidecar(t, [first.origin, second.origin]);
  await first.close();
  platform.control.revoke();
  const reply = await sidecar.call(INFO);
  t.is(reply.json()['openid'], 'oJourney01');
  t.regex(String(reply.headers['x-wechat-sidecar']), /replay=1$/);
});
