import test from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { genuine, startReviewServer } from '../support/review-server.ts';
import { startHubPair, type RunningHub } from '../support/hub.ts';
import { fakeJwt } from '../support/hub-credentials.ts';
import { openWatch } from '../support/hub-watch.ts';
import type { Reply } from '../support/simulator-client.ts';
import type { Teardown } from '../support/simulator.ts';

const AUDIENCE = 'wechat-sidecar-hub';
const TOKEN_PATH = `/v1/apps/${DEMO_APP.appid}/token`;
const ALLOW = `
kubernetes:
  allow:
    - { namespace: shop, serviceAccount: orders, apps: [${DEMO_APP.appid}] }
    - { namespace: tools, serviceAccount: "*", apps: ["*"] }
`;

function jwtOf(username: string, changes: Partial<Parameters<typeof fakeJwt>[0]> = {}): string {
  const expUnixS = systemClock.unixMs() / 1_000 + 3_600;
  return fakeJwt({ sub: username, aud: [AUDIENCE], expUnixS, ...changes });
}

function subOf(token: string): string {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { sub: string }).sub;
}

async function start(t: Teardown): Promise<{
  server: Awaited<ReturnType<typeof startReviewServer>>;
  hub: RunningHub;
  asks: (token: string, path?: string) => Promise<Reply>;
}> {
  const server = await startReviewServer(t);
  server.decide = ({ token }) => genuine(subOf(token), [AUDIENCE]);
  const { hub } = await startHubPair(t, { file: ALLOW, access: server.access });
  return { server, hub, asks: (token, path = TOKEN_PATH) => hub.call(path, {}, token) };
}

test('an allowed service account gets its tokens and is named in the log', async (t) => {
  const { hub, asks } = await start(t);
  const token = jwtOf('system:serviceaccount:shop:orders');
  t.is((await asks(token)).status, 200);
  const report = { body: { fingerprint: '0123456789abcdef', errcode: 40001 } };
  t.is((await hub.call(`${TOKEN_PATH}/refresh`, report, token)).status, 200);
  const line = hub.lines.find((each) => each.includes('refresh requested')) ?? '';
  t.true(line.includes('"caller":"shop/orders"') && line.includes('"pod":"orders-1"'), line);
  t.false(hub.lines.join('').includes(token));
  t.is((await asks(jwtOf('system:serviceaccount:tools:whatever'))).status, 200);
});

test('service accounts and tokens that are not allowed are refused', async (t) => {
  const { server, asks } = await start(t);
  const past = systemClock.unixMs() / 1_000 - 90_000;
  const strangers = [
    jwtOf('system:serviceaccount:shop:payments'),
    jwtOf('system:serviceaccount:default:orders'),
    jwtOf('system:serviceaccount:shop:orders', { aud: 'somebody-else' }),
    jwtOf('system:serviceaccount:shop:orders', { expUnixS: past }),
  ];
  for (const token of strangers) t.is((await asks(token)).status, 401);
  t.is(server.reviews.length, 0);
  server.decide = () => ({ review: { authenticated: false, error: 'expired' } });
  t.is((await asks(jwtOf('system:serviceaccount:shop:orders'))).status, 401);
});

test('if the API server does not answer, the status is 503, never 200 or 401', async (t) => {
  const { server, asks } = await start(t);
  server.decide = () => ({ status: 500, text: '{}' });
  const answer = await asks(jwtOf('system:serviceaccount:shop:orders'));
  t.is(answer.status, 503);
  t.is(answer.json()['type'], 'urn:wechat-sidecar:problem:review_unavailable');
  t.truthy(answer.headers['retry-after']);
});

test('a service account that is removed from the settings loses its stream and its access', async (t) => {
  const { hub, asks } = await start(t);
  const token = jwtOf('system:serviceaccount:shop:orders');
  const watch = await openWatch(hub.base, token);
  await watch.untilEvents(1);
  const { kubernetes } = hub.settings;
  hub.role.reconfigure({ ...hub.settings, kubernetes: { ...kubernetes, allow: [] } });
  await watch.untilEnded();
  t.is((await asks(token)).status, 401);
  hub.role.reconfigure(hub.settings);
  t.is((await asks(token)).status, 200);
});
