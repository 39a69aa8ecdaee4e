import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { fakeJwt } from '../support/hub-credentials.ts';
import { openWatch } from '../support/hub-watch.ts';
import { sha256, startHubPair, startTestHub, type RunningHub } from '../support/hub.ts';
import { genuine, startReviewServer } from '../support/review-server.ts';
import { ask, type Reply } from '../support/simulator-client.ts';
import type { Teardown } from '../support/simulator.ts';
import { DEFAULT_RIGHTS, RIGHTS, type Right } from '../../src/hub-api/rights.ts';

const KEY = 'a-key-of-limited-rights-0123456789';
const APP = `/v1/apps/${DEMO_APP.appid}`;
const OTHER_APP = 'wx00000000000other';
const OTHER_FILE = `apps: [{ appid: ${OTHER_APP}, secret: 0123456789abcdef0123456789abcdef }]`;
const AUDIENCE = 'wechat-sidecar-hub';

function withKey(t: Teardown, may: readonly Right[]): Promise<RunningHub> {
  return startHubPair(t, { file: OTHER_FILE }).then(({ hub }) => {
    const limited = { name: 'limited', keySha256: sha256(KEY), apps: [DEMO_APP.appid], may };
    hub.role.reconfigure({ ...hub.settings, clients: [...hub.settings.clients, limited] });
    return hub;
  });
}

/** Every API call that needs a right, and whether it was allowed. */
const CALLS: readonly (readonly [right: Right, what: string, call: (hub: RunningHub) => Promise<boolean>])[] =
  [
    ['tokens', 'token', async (hub) => isPermitted(await hub.call(`${APP}/token`, {}, KEY))],
    [
      'tokens',
      'report',
      async (hub) => {
        const body = { fingerprint: '0123456789abcdef', errcode: 40001 };
        return isPermitted(await hub.call(`${APP}/token/refresh`, { body }, KEY));
      },
    ],
    [
      'tokens',
      'watch of one account',
      async (hub) => isPermitted(await watchStatus(hub, `?appid=${DEMO_APP.appid}`)),
    ],
    ['tokens', 'watch', async (hub) => isPermitted(await watchStatus(hub, ''))],
    [
      'tokens',
      "the platform's token endpoint",
      async (hub) => {
        const query = `grant_type=client_credential&appid=${DEMO_APP.appid}&secret=${KEY}`;
        const answer = (await hub.call(`/cgi-bin/token?${query}`, {}, null)).json();
        return answer['errcode'] !== 48001 && answer['access_token'] !== undefined;
      },
    ],
    [
      'tokens',
      "the platform's stable endpoint",
      async (hub) => {
        const body = { grant_type: 'client_credential', appid: DEMO_APP.appid, secret: KEY };
        const answer = (await hub.call('/cgi-bin/stable_token', { body }, null)).json();
        return answer['errcode'] !== 48001 && answer['access_token'] !== undefined;
      },
    ],
    ['tickets', 'ticket', async (hub) => isPermitted(await hub.call(`${APP}/ticket?type=jsapi`, {}, KEY))],
    [
      'relay',
      'relay',
      async (hub) => {
        const body = {
          method: 'GET',
          path: '/sns/jscode2session',
          query: 'js_code=c&grant_type=authorization_code',
        };
        return isPermitted(await hub.call(`${APP}/relay`, { body }, KEY));
      },
    ],
    ['refresh', "the page's button", async (hub) => isPermitted(await pressButton(hub))],
  ];

async function watchStatus(hub: RunningHub, query: string): Promise<Pick<Reply, 'status' | 'json'>> {
  const answer = await fetch(`${hub.base}/v1/tokens/watch${query}`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  if (answer.status === 200) {
    await answer.body?.cancel();
    return { status: 200, json: () => ({}) };
  }
  const content = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, json: () => content };
}

async function logIn(hub: RunningHub): Promise<string> {
  const answer = await ask(`${hub.base}/login`, {
    method: 'POST',
    body: new URLSearchParams({ key: KEY }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: hub.base },
  });
  return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

async function pressButton(hub: RunningHub): Promise<Reply> {
  const headers = { origin: hub.base, cookie: await logIn(hub) };
  return ask(`${hub.base}/page/apps/${DEMO_APP.appid}/refresh`, { method: 'POST', headers });
}

function isPermitted(answer: Pick<Reply, 'status' | 'json'>): boolean {
  if (answer.status === 200) return true;
  if (answer.status !== 403) throw new Error(`Expected 200 or 403, got ${answer.status}`);
  if (answer.json()['type'] !== 'urn:wechat-sidecar:problem:not_permitted')
    throw new Error('Another problem');
  return false;
}

for (const given of [...RIGHTS.map((right) => [right]), RIGHTS, DEFAULT_RIGHTS]) {
  test(`a caller with the rights ${given.join(', ')} can use those and nothing else`, async (t) => {
    const hub = await withKey(t, given);
    for (const [right, what, call] of CALLS) t.is(await call(hub), given.includes(right), what);
    t.is((await hub.call('/v1/apps', {}, KEY)).status, 200);
    t.is((await hub.call('/openapi.json', {}, KEY)).status, 200);
    t.false(hub.lines.join('').includes(KEY));
  });
}

test('a refusal names the missing right, in the response and in the log', async (t) => {
  const hub = await withKey(t, ['tickets']);
  const answer = await hub.call(`${APP}/token`, {}, KEY);
  t.is(answer.status, 403);
  t.regex(String(answer.json()['detail']), /lacks the right "tokens": add it to the caller/);
  const line = hub.lines.find((each) => each.includes('caller rejected')) ?? '';
  t.true(line.includes('"caller":"limited"') && line.includes('"reason":"not_permitted"'), line);
});

test('a missing right reveals nothing about the accounts of others', async (t) => {
  const hub = await withKey(t, ['tickets']);
  for (const appid of [OTHER_APP, 'wx000000000000none']) {
    t.is((await hub.call(`/v1/apps/${appid}/token`, {}, KEY)).status, 404);
    t.is((await hub.call(`/v1/tokens/watch?appid=${appid}`, {}, KEY)).status, 404);
  }
});

test('the page shows the refresh button only to callers with that right', async (t) => {
  for (const may of [['tokens'], ['refresh']] as const) {
    const hub = await withKey(t, may);
    const data = await ask(`${hub.base}/page/data`, { headers: { cookie: await logIn(hub) } });
    t.like(data.json(), { accounts: [{ appid: DEMO_APP.appid, mayRefresh: may[0] === 'refresh' }] });
  }
});

test('a stream ends when the caller loses the right to it', async (t) => {
  const hub = await withKey(t, ['tokens']);
  const watch = await openWatch(hub.base, KEY);
  await watch.untilEvents(1);
  const limited = {
    name: 'limited',
    keySha256: sha256(KEY),
    apps: [DEMO_APP.appid],
    may: ['tickets'] as const,
  };
  hub.role.reconfigure({ ...hub.settings, clients: [limited] });
  await watch.untilEnded();
  t.is((await hub.call('/v1/tokens/watch', {}, KEY)).status, 403);
});

test('each service account rule grants its own rights for its own accounts', async (t) => {
  const server = await startReviewServer(t);
  server.decide = () => genuine('system:serviceaccount:shop:orders', [AUDIENCE]);
  const token = fakeJwt({
    sub: 'system:serviceaccount:shop:orders',
    aud: [AUDIENCE],
    expUnixS: Math.floor(Date.now() / 1_000) + 3_600,
  });
  const { simulator } = await startHubPair(t);
  const hub = await startTestHub(t, [simulator.origin], {
    access: server.access,
    file: `${OTHER_FILE}
kubernetes:
  allow:
    - { namespace: shop, serviceAccount: orders, apps: [${DEMO_APP.appid}], may: [tickets] }
    - { namespace: shop, serviceAccount: "*", apps: [${OTHER_APP}], may: [tokens] }`,
  });
  const statusOf = async (path: string): Promise<number> => (await hub.call(path, {}, token)).status;
  t.is(await statusOf(`${APP}/token`), 403);
  t.is(await statusOf(`${APP}/ticket?type=jsapi`), 200);
  t.is(await statusOf(`/v1/apps/${OTHER_APP}/ticket?type=jsapi`), 403);
  // The simulator does not have this account; what matters is that the hub asked it.
  t.is(await statusOf(`/v1/apps/${OTHER_APP}/token`), 503);
  t.is(await statusOf(`/v1/tokens/watch?appid=${DEMO_APP.appid}`), 403);
});
