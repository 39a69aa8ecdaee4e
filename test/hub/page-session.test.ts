import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair, type RunningHub } from '../support/hub.ts';
import { openWatch } from '../support/hub-watch.ts';
import { ask, type Ask, type Reply } from '../support/simulator-client.ts';

const OTHER_APP = 'wx00000000000other';
const OTHER_FILE = `apps: [{ appid: ${OTHER_APP}, secret: 0123456789abcdef0123456789abcdef }]`;

/** A form of the hub's own page, unless `headers` says otherwise. */
function post(hub: RunningHub, path: string, form: Record<string, string>, more: Ask = {}): Promise<Reply> {
  return ask(hub.base + path, {
    method: 'POST',
    body: new URLSearchParams(form).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...('headers' in more ? more.headers : { origin: hub.base }),
    },
  });
}

async function logIn(hub: RunningHub, key: string): Promise<string> {
  const answer = await post(hub, '/login', { key });
  const [cookie = ''] = answer.headers['set-cookie'] ?? [];
  return cookie.split(';')[0] ?? '';
}

function get(hub: RunningHub, path: string, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(hub.base + path, { headers });
}

test('without a session the page shows only the login form, under a strict content security policy', async (t) => {
  const { hub } = await startHubPair(t);
  const page = await get(hub, '/');
  t.is(page.status, 200);
  t.regex(page.body.toString(), /<input name="key" type="password"/);
  t.false(page.body.toString().includes(DEMO_APP.appid));
  const policy = String(page.headers['content-security-policy']);
  t.true(policy.includes("default-src 'none'") && policy.includes("script-src 'self'"));
  t.false(policy.includes('unsafe'));
  t.is(page.headers['x-content-type-options'], 'nosniff');
  t.is(page.headers['cache-control'], 'no-store');
  t.is((await get(hub, '/page/data')).status, 401);
  t.is((await get(hub, '/page/data', { authorization: `Bearer ${REPORTS_KEY}` })).status, 401);
});

test('every file of the page is served with its media type, and not cached', async (t) => {
  const { hub } = await startHubPair(t);
  const types: Readonly<Record<string, string>> = {
    css: 'text/css',
    js: 'text/javascript',
    svg: 'image/svg+xml',
  };
  const names = readdirSync('src/hub/page/assets').filter((name) => name !== 'tsconfig.json');
  for (const name of names) {
    const { status, headers, body } = await get(hub, `/page/${name}`);
    t.is(status, 200, name);
    t.is(headers['content-type'], `${types[name.replace(/.*\./, '')]}; charset=utf-8`);
    t.is(headers['x-content-type-options'], 'nosniff');
    t.is(headers['cache-control'], 'no-store');
    t.is(body.toString(), readFileSync(`src/hub/page/assets/${name}`, 'utf8'));
  }
  t.true(names.length > 2);
  t.is((await get(hub, '/page/tsconfig.json')).status, 404);
});

test('a client key starts a session, whose cookie scripts and other sites cannot read', async (t) => {
  const { hub } = await startHubPair(t);
  const answer = await post(hub, '/login', { key: REPORTS_KEY });
  t.is(answer.status, 303);
  t.is(answer.headers.location, '/');
  const [cookie = ''] = answer.headers['set-cookie'] ?? [];
  t.regex(cookie, /httponly/i);
  t.regex(cookie, /samesite=strict/i);
  t.regex(cookie, /^wechat-sidecar-hub=[0-9a-f]{48};/);
  t.false(cookie.includes(REPORTS_KEY));
  const page = await get(hub, '/', { cookie: cookie.split(';')[0] ?? '' });
  t.true(page.body.toString().includes('id="accounts"'));
});

test('the data of the page contains fingerprints, but no token or secret', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  await hub.call(`/v1/apps/${DEMO_APP.appid}/token`);
  const watch = await openWatch(hub.base, ORDERS_KEY);
  t.teardown(() => watch.close());
  const cookie = await logIn(hub, REPORTS_KEY);
  const answer = await get(hub, '/page/data', { cookie });
  const data = answer.json() as unknown as {
    accounts: { appid: string; state: string; refreshes: { trigger: string; result: string }[] }[];
    sidecars: { total: number; rows: { caller: string; address: string; streams: number }[] };
  };
  t.is(data.accounts[0]?.state, 'good');
  t.deepEqual(
    data.accounts[0]?.refreshes.map(({ trigger, result }) => [trigger, result]),
    [['startup', 'renewed']],
  );
  t.is(data.sidecars.total, 1);
  t.like(data.sidecars.rows[0], { caller: 'orders', address: '127.0.0.1', streams: 1 });
  for (const secret of [simulator.control.token(DEMO_APP.appid) ?? '-', DEMO_APP.secret, ORDERS_KEY]) {
    t.false(answer.body.toString().includes(secret));
  }
});

test('a client sees only its own accounts and sidecars', async (t) => {
  const { hub } = await startHubPair(t, { file: OTHER_FILE });
  const watch = await openWatch(hub.base, REPORTS_KEY);
  t.teardown(() => watch.close());
  const cookie = await logIn(hub, ORDERS_KEY);
  const data = (await get(hub, '/page/data', { cookie })).body.toString();
  t.false(data.includes(OTHER_APP));
  t.false(data.includes('reports'));
  const origin = { origin: hub.base, cookie };
  const others = await post(hub, `/page/apps/${OTHER_APP}/refresh`, {}, { headers: origin });
  t.is(others.status, 404);
});

test('accounts of mode login are shown by name, to those who may use them', async (t) => {
  const { hub } = await startHubPair(t, { file: OTHER_FILE.replace(' }', ', mode: login, name: web }') });
  type Data = { accounts: { appid: string }[]; logins: unknown[] };
  const data = (
    await get(hub, '/page/data', { cookie: await logIn(hub, REPORTS_KEY) })
  ).json() as unknown as Data;
  t.deepEqual(
    data.accounts.map(({ appid }) => appid),
    [DEMO_APP.appid],
  );
  t.deepEqual(data.logins, [{ appid: OTHER_APP, name: 'web' }]);
  const others = (
    await get(hub, '/page/data', { cookie: await logIn(hub, ORDERS_KEY) })
  ).json() as unknown as Data;
  t.deepEqual(others.logins, []);
  const { accounts } = hub.role.status() as { accounts: { appid: string; mode: string; next: string }[] };
  t.like(
    accounts.find(({ appid }) => appid === OTHER_APP),
    { mode: 'login', next: 'nothing to do: this account only logs people in, and has no token' },
  );
});

test('a wrong key is refused and not repeated, and attempts are limited', async (t) => {
  const { hub } = await startHubPair(t);
  const statuses = new Map<number, number>();
  for (let attempt = 0; attempt < 14; attempt++) {
    const answer = await post(hub, '/login', { key: 'a-wrong-key-0123456789' });
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    t.is(answer.headers['set-cookie'], undefined);
    t.false(answer.body.toString().includes('a-wrong-key'));
  }
  t.true((statuses.get(401) ?? 0) >= 10);
  t.true((statuses.get(429) ?? 0) >= 1);
  t.false(hub.lines.join('').includes('a-wrong-key'));
});

test('a page of another site cannot log in, refresh or log out', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  await hub.call(`/v1/apps/${DEMO_APP.appid}/token`);
  const cookie = await logIn(hub, REPORTS_KEY);
  simulator.control.clear();
  const foreign: Record<string, string>[] = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${hub.base}.evil.example` },
    { origin: hub.base, 'sec-fetch-site': 'cross-site' },
    { origin: hub.base, 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) {
    for (const path of [`/page/apps/${DEMO_APP.appid}/refresh`, '/login', '/logout']) {
      const answer = await post(hub, path, { key: REPORTS_KEY }, { headers: { ...headers, cookie } });
      t.is(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
    }
  }
  t.is(simulator.control.arrivals().length, 0);
  t.is((await get(hub, '/page/data', { cookie })).status, 200);
});

test('a manual refresh is logged and rate-limited', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const before = (await hub.call(`/v1/apps/${DEMO_APP.appid}/token`)).json();
  const cookie = await logIn(hub, REPORTS_KEY);
  const refresh = (): Promise<Reply> =>
    post(hub, `/page/apps/${DEMO_APP.appid}/refresh`, {}, { headers: { origin: hub.base, cookie } });
  const answer = await refresh();
  t.is(answer.status, 200, answer.body.toString());
  t.is(answer.json()['refreshed'], true);
  t.not(answer.json()['fingerprint'], before['fingerprint']);
  const line = hub.lines.find((each) => each.includes('refresh requested')) ?? '';
  t.true(line.includes('"caller":"reports"') && line.includes('"result":"renewed"'), line);
  const statuses = [await refresh(), await refresh(), await refresh()].map(({ status }) => status);
  t.is(statuses.at(-1), 429);
  t.is(simulator.control.apps()[0]?.counters.forcedFetches, 1);
});

test('a session ends on logout, and when its key loses its rights', async (t) => {
  const { hub } = await startHubPair(t);
  const [one, two] = [await logIn(hub, REPORTS_KEY), await logIn(hub, REPORTS_KEY)];
  const out = await post(hub, '/logout', {}, { headers: { origin: hub.base, cookie: one } });
  t.is(out.status, 303);
  t.is((await get(hub, '/page/data', { cookie: one })).status, 401);
  t.is((await get(hub, '/page/data', { cookie: two })).status, 200);
  hub.role.reconfigure({ ...hub.settings, clients: [] });
  t.is((await get(hub, '/page/data', { cookie: two })).status, 401);
});

test('the page uses the language of the reader, or the requested one', async (t) => {
  const { hub } = await startHubPair(t);
  const langOf = async (path: string, accept?: string): Promise<string | undefined> => {
    const page = await get(hub, path, accept === undefined ? {} : { 'accept-language': accept });
    return /<html lang="([\w-]+)"/.exec(page.body.toString())?.[1];
  };
  t.is(await langOf('/'), 'en');
  t.is(await langOf('/', 'zh-CN,zh;q=0.9,en;q=0.8'), 'zh-CN');
  t.is(await langOf('/', 'de,en;q=0.8,zh;q=0.1'), 'en');
  t.is(await langOf('/', 'en;q=0.2, zh-TW;q=0.7'), 'zh-CN');
  t.is(await langOf('/?lang=zh', 'en'), 'zh-CN');
  t.is(await langOf('/?lang=xx', 'en'), 'en');
});
