import { connect } from 'node:net';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ORDERS_KEY, startHubPair, startTestHub } from '../support/hub.ts';
import { RawConnection } from '../support/raw-call.ts';

const RELAY_PATH = `/v1/apps/${DEMO_APP.appid}/relay`;

test("a login call is made with appid and secret filled in, and returns the platform's own response", async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const query = 'js_code=a%20code&grant_type=authorization_code';
  const answer = await hub.call(
    RELAY_PATH,
    { body: { method: 'GET', path: '/sns/jscode2session', query } },
    ORDERS_KEY,
  );
  t.is(answer.status, 200);
  t.is(answer.headers['x-wechat-sidecar-relay'], '1');
  t.is(answer.headers['cache-control'], 'no-store');
  t.true('openid' in answer.json(), answer.body.toString());
  const [arrival] = simulator.control.arrivals({ path: '/sns/jscode2session' });
  t.true(arrival?.url.startsWith(`/sns/jscode2session?${query}&`));
  t.false(hub.lines.join('').includes(DEMO_APP.secret));
});

test('a caller that half-closes after its request gets its response', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  simulator.control.delay({ path: '/sns/jscode2session', ms: 300 });
  const query = 'js_code=a&grant_type=authorization_code';
  const body = JSON.stringify({ method: 'GET', path: '/sns/jscode2session', query });
  const head = `POST ${RELAY_PATH} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${ORDERS_KEY}\r\n`;
  const socket = connect({ port: hub.port, host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  const caller = new RawConnection(socket);
  socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  socket.once('end', () => socket.destroy());
  t.regex(await caller.untilClosed(), /HTTP\/1\.1 200 OK\r\n[^]*"session_key":/);
});

test("the caller's own appid and secret are replaced, and tokens are removed", async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const query = 'appid=wxsomebody&js_code=c&access_token=t&secret=s&grant_type=authorization_code';
  await hub.call(RELAY_PATH, { body: { method: 'GET', path: '/sns/jscode2session', query } });
  const [arrival] = simulator.control.arrivals({ path: '/sns/jscode2session' });
  const sent = new URL(arrival?.url ?? '', 'http://platform').searchParams;
  t.deepEqual(sent.getAll('appid'), [DEMO_APP.appid]);
  t.is(sent.getAll('secret').length, 1);
  t.false(sent.has('access_token'));
});

const REFUSED: readonly (readonly [what: string, body: object])[] = [
  ['a path that is not in the list', { method: 'GET', path: '/cgi-bin/user/get', query: '' }],
  [
    'a path that leads elsewhere',
    { method: 'GET', path: '/sns/jscode2session/../../cgi-bin/token', query: '' },
  ],
  ['another host', { method: 'GET', path: 'https://evil.example/sns/jscode2session', query: '' }],
  ['a path with a query', { method: 'GET', path: '/sns/jscode2session?a=b', query: '' }],
  [
    'a query that ends the request line',
    { method: 'GET', path: '/sns/jscode2session', query: 'a HTTP/1.1\r\nx: y' },
  ],
  ['a query with a fragment', { method: 'GET', path: '/sns/jscode2session', query: 'a#b' }],
  ['another method', { method: 'CONNECT', path: '/sns/jscode2session', query: '' }],
  [
    'a header within a header',
    { method: 'POST', path: '/sns/jscode2session', query: '', content_type: 'a\r\nx: y' },
  ],
  ['a body that is no base64', { method: 'POST', path: '/sns/jscode2session', query: '', body: '%%%' }],
  ['nothing', {}],
];

test('only secret-bearing calls are relayed', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  await hub.call(`/v1/apps/${DEMO_APP.appid}/token`);
  simulator.control.clear();
  for (const [what, body] of REFUSED) {
    const answer = await hub.call(RELAY_PATH, { body });
    t.is(answer.status, 400, what);
    t.is(answer.headers['content-type'], 'application/problem+json', what);
    t.is(answer.headers['x-wechat-sidecar-relay'], undefined, what);
  }
  t.is(simulator.control.arrivals().length, 0);
});

test('a body over 64 KiB is refused, with or without Content-Length', async (t) => {
  const { hub } = await startHubPair(t);
  const body = { method: 'POST', path: '/sns/jscode2session', query: '', body: 'A'.repeat(70_000) };
  t.is((await hub.call(RELAY_PATH, { body })).status, 413);
  t.is((await hub.call(RELAY_PATH, { body, chunked: true })).status, 413);
});

test('an unreachable platform is reported as such, without any secret', async (t) => {
  const hub = await startTestHub(t, ['http://127.0.0.1:1']);
  const answer = await hub.call(RELAY_PATH, {
    body: { method: 'GET', path: '/sns/jscode2session', query: 'js_code=c' },
  });
  t.is(answer.status, 502);
  t.is(answer.json()['type'], 'urn:wechat-sidecar:problem:upstream_unreachable');
  t.false(answer.body.toString().includes(DEMO_APP.secret));
  t.false(hub.lines.join('').includes(DEMO_APP.secret));
});
