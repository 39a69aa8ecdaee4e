import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { API_ROUTES } from '../../src/hub/routes.ts';
import { ask } from '../support/simulator-client.ts';
import { ORDERS_KEY, startHubPair } from '../support/hub.ts';
import { fakeJwt } from '../support/hub-credentials.ts';

const OTHER_APP = 'wx00000000000other';
const OTHER_FILE = `apps: [{ appid: ${OTHER_APP}, secret: 0123456789abcdef0123456789abcdef }]`;
const BEARER_ROUTES = API_ROUTES.filter(({ credential }) => credential === 'bearer');

const STRANGERS: readonly (readonly [what: string, authorization: string | undefined])[] = [
  ['no credential', undefined],
  ['an empty one', 'Bearer '],
  ['a wrong key', 'Bearer wrong-key-0123456789abcdef'],
  ['the key under another scheme', `Basic ${ORDERS_KEY}`],
  ['the key and more', `Bearer ${ORDERS_KEY}x`],
  ['a credential beyond all size', `Bearer ${'k'.repeat(20_000)}`],
  ['the hash of a key', `Bearer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`],
  [
    'a JWT that has expired',
    `Bearer ${fakeJwt({ sub: 'system:serviceaccount:shop:orders', aud: 'wechat-sidecar-hub', expUnixS: 1_000 })}`,
  ],
];

for (const { method, path } of BEARER_ROUTES) {
  test(`${method} ${path} is refused without a valid credential`, async (t) => {
    const { hub } = await startHubPair(t);
    const url = hub.base + path.replace(':appid', DEMO_APP.appid);
    const body = method === 'POST' ? { body: {} } : {};
    const bodies = new Set<string>();
    for (const [what, authorization] of STRANGERS) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await ask(url, { method, headers, ...body });
      t.is(answer.status, 401, what);
      t.is(answer.headers['www-authenticate'], 'Bearer', what);
      t.is(answer.headers['content-type'], 'application/problem+json', what);
      t.is(answer.headers['cache-control'], 'no-store', what);
      bodies.add(answer.body.toString());
    }
    t.is(bodies.size, 1);
    const log = hub.lines.join('');
    t.true(log.includes('caller rejected'));
    for (const [, authorization] of STRANGERS) {
      const credential = authorization?.split(' ')[1] ?? '';
      if (credential !== '') t.false(log.includes(credential));
    }
  });
}

for (const { method, path } of BEARER_ROUTES.filter((route) => route.path.includes(':appid'))) {
  test(`${method} ${path} responds the same for another caller's account and one that does not exist`, async (t) => {
    const { hub } = await startHubPair(t, { file: OTHER_FILE });
    const body = method === 'POST' ? { body: {} } : {};
    const of = (appid: string): ReturnType<typeof ask> =>
      hub.call(path.replace(':appid', appid), { method, ...body }, ORDERS_KEY);
    const [others, absent] = [await of(OTHER_APP), await of('wx000000000000000x')];
    t.is(others.status, 404);
    t.is(absent.status, 404);
    t.deepEqual(others.body, absent.body);
    const names = (headers: object): string[] => Object.keys(headers).toSorted();
    t.deepEqual(names(others.headers), names(absent.headers));
    t.false(others.body.toString().includes(OTHER_APP));
  });
}

test("the watch does not distinguish another caller's account from one that does not exist", async (t) => {
  const { hub } = await startHubPair(t, { file: OTHER_FILE });
  const watch = (appid: string): ReturnType<typeof ask> =>
    hub.call(`/v1/tokens/watch?appid=${DEMO_APP.appid}&appid=${appid}`, {}, ORDERS_KEY);
  const [others, absent] = [await watch(OTHER_APP), await watch('wx000000000000000x')];
  t.is(others.status, 404);
  t.deepEqual(others.body, absent.body);
});

test('a caller sees only its own accounts in the list', async (t) => {
  const { hub } = await startHubPair(t, { file: OTHER_FILE });
  const listed = async (key?: string): Promise<unknown[]> =>
    ((await hub.call('/v1/apps', {}, key)).json()['apps'] as { appid: string }[]).map(({ appid }) => appid);
  t.deepEqual(await listed(ORDERS_KEY), [DEMO_APP.appid]);
  t.deepEqual(await listed(), [OTHER_APP, DEMO_APP.appid]);
});

test("/cgi-bin/token returns the real token for a key, and uses the platform's error codes", async (t) => {
  const { simulator, hub } = await startHubPair(t, { file: OTHER_FILE });
  const question = async (params: Record<string, string>): Promise<Record<string, unknown>> => {
    const query = new URLSearchParams({
      grant_type: 'client_credential',
      appid: DEMO_APP.appid,
      secret: ORDERS_KEY,
      ...params,
    });
    const answer = await hub.call(`/cgi-bin/token?${query.toString()}`, {}, null);
    t.is(answer.status, 200);
    t.is(answer.headers['cache-control'], 'no-store');
    return answer.json();
  };
  const good = await question({});
  t.is(good['access_token'], simulator.control.token(DEMO_APP.appid));
  t.true(Number(good['expires_in']) > 7_000);
  t.is((await question({ secret: 'wrong-key-0123456789' }))['errcode'], 40125);
  t.is((await question({ secret: 'wrong-key-0123456789', appid: OTHER_APP }))['errcode'], 40125);
  t.is((await question({ secret: '' }))['errcode'], 41004);
  t.is((await question({ appid: '' }))['errcode'], 41002);
  t.is((await question({ grant_type: 'x' }))['errcode'], 40002);
  t.deepEqual(await question({ appid: OTHER_APP }), await question({ appid: 'wx000000000000000x' }));
  t.is((await question({ appid: OTHER_APP }))['errcode'], 40013);

  const stable = await hub.call(
    '/cgi-bin/stable_token',
    {
      body: {
        grant_type: 'client_credential',
        appid: DEMO_APP.appid,
        secret: ORDERS_KEY,
        force_refresh: true,
      },
    },
    null,
  );
  t.is(stable.json()['access_token'], good['access_token']);
  t.false(hub.lines.join('').includes(ORDERS_KEY));
});

test('a key that is removed from the settings stops working, and a new one starts working', async (t) => {
  const { hub } = await startHubPair(t);
  t.is((await hub.call('/v1/apps', {}, ORDERS_KEY)).status, 200);
  hub.role.reconfigure({
    ...hub.settings,
    clients: hub.settings.clients.filter(({ name }) => name !== 'orders'),
  });
  t.is((await hub.call('/v1/apps', {}, ORDERS_KEY)).status, 401);
  t.is((await hub.call('/v1/apps')).status, 200);
  hub.role.reconfigure(hub.settings);
  t.is((await hub.call('/v1/apps', {}, ORDERS_KEY)).status, 200);
});

test('an unknown route and a wrong use of a route have different errors', async (t) => {
  const { hub } = await startHubPair(t);
  t.is((await hub.call('/v1/nothing')).status, 404);
  const wrong = await hub.call('/v1/apps', { method: 'DELETE' });
  t.is(wrong.status, 405);
  t.is(wrong.headers['allow'], 'GET');
  t.is((await hub.call(`/v1/apps/%zz/token`)).status < 500, true);
  t.is((await hub.call('/v1/tokens/watch', { method: 'HEAD' })).status, 405);
});
