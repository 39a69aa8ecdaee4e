import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { standInFor } from '../../src/wechat/stand-in.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair, startTestHub } from '../support/hub.ts';
import { PLAIN_CALL, type RunningHubProxy, startHubProxy, until } from '../support/hub-proxy.ts';
import { type RunningSimulator, startSimulator, type Teardown } from '../support/simulator.ts';
import { patientClock } from '../support/patient-clock.ts';

const { appid } = DEMO_APP;
/** An address at which nothing listens. */
const NOBODY = 'http://127.0.0.1:9';

/** Forced and ordinary fetches at the platform's token endpoint. */
function fetchesAt({ control }: RunningSimulator): number {
  const { stableFetches = 99, forcedFetches = 99 } = control.counters().apps[appid] ?? {};
  return stableFetches + forcedFetches;
}

function refusalsAt({ control }: RunningSimulator): number {
  const errcodes = control.counters().paths[PLAIN_CALL]?.errcodes;
  return (errcodes?.['40001'] ?? 0) + (errcodes?.['42001'] ?? 0);
}

function proxiesOf(t: Teardown, count: number, upstream: string, hub: string): Promise<RunningHubProxy[]> {
  return Promise.all(Array.from({ length: count }, () => startHubProxy(t, [upstream], [hub])));
}

test('calls get the token of a hub, and the only account is the default one', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  const answer = await fetch(proxy.base + PLAIN_CALL);
  t.is(answer.headers.get('x-wechat-sidecar'), `0.0.0-test; app=${appid}; replay=0`);
  t.true('ip_list' in ((await answer.json()) as object));
  t.is(proxy.status().defaultApp, appid);
  t.deepEqual(
    proxy.role.ready.map((check) => check.run()),
    [undefined],
  );
  const page = await proxy.metrics.page();
  t.regex(page, /^wechat_sidecar_token_expires_timestamp_seconds\{app="wx000000000000de30"\} [1-9]/m);
  t.notRegex(page, /^wechat_sidecar_token_refreshes_total\{/m);
});

test('with several accounts at the hub there is no default one, unless it is set', async (t) => {
  const other = { appid: 'wx00000000000other', secret: 'other-secret' };
  const simulator = await startSimulator(t, { apps: [DEMO_APP, other] });
  const file = `apps:\n  - { appid: ${other.appid}, secret: ${other.secret} }`;
  const hub = await startTestHub(t, [simulator.origin], { file });
  const [all, one, set] = await Promise.all([
    startHubProxy(t, [simulator.origin], [hub.base]),
    startHubProxy(t, [simulator.origin], [hub.base], { key: ORDERS_KEY }),
    startHubProxy(t, [simulator.origin], [hub.base], { env: { WECHAT_SIDECAR_DEFAULT_APP: other.appid } }),
  ]);
  t.is((await all.answer()).errcode, -3);
  const named = await fetch(all.base + PLAIN_CALL, { headers: { 'x-wechat-appid': other.appid } });
  t.regex(named.headers.get('x-wechat-sidecar') ?? '', new RegExp(`app=${other.appid};`));
  t.is(one.status().defaultApp, appid);
  t.true('ip_list' in (await one.answer()));
  t.is(set.status().defaultApp, other.appid);
  t.true('ip_list' in (await set.answer()));
});

test('every sidecar has a new token within a second of its issue', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxies = await proxiesOf(t, 5, simulator.origin, hub.base);
  await until(() => proxies.every((proxy) => proxy.fingerprint() !== undefined));
  const [first, ...others] = proxies as [RunningHubProxy, ...RunningHubProxy[]];
  const before = first.fingerprint();
  simulator.control.overwrite();
  t.true('ip_list' in (await first.answer()));
  const after = first.fingerprint();
  t.not(after, before);
  const waitedMs = await until(() => others.every((proxy) => proxy.fingerprint() === after));
  t.true(waitedMs < 1_000, `${waitedMs} ms`);
  for (const proxy of others) t.true('ip_list' in (await proxy.answer()));
  t.is(refusalsAt(simulator), 1);
});

test('300 callers with one dead token cause one request to the hub, and none of them notices', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  await proxy.answer();
  const before = fetchesAt(simulator);
  simulator.control.expire();
  const answers = await Promise.all(Array.from({ length: 300 }, () => proxy.answer()));
  t.true(answers.every((answer) => 'ip_list' in answer));
  t.true(refusalsAt(simulator) > 1);
  t.is(hub.lines.filter((line) => line.includes('refresh requested')).length, 1);
  t.is(fetchesAt(simulator) - before, 1);
});

test('while the hub is unavailable calls continue until the token expires, and again once it is back', async (t) => {
  const simulator = await startSimulator(t);
  simulator.control.configure({ ...DEMO_APP, tokenLifeMs: 6_000 });
  const hub = await startTestHub(t, [simulator.origin]);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  await proxy.answer();
  await hub.role.drain({ delayMs: 0, timeoutMs: 0 });
  await until(() => proxy.status().hub.watch.state !== 'open');
  const endMs = simulator.control.apps()[0]?.tokens.stable?.expiresInMs ?? 0;
  t.true(endMs > 1_000, `${endMs} ms are left`);
  t.true('ip_list' in (await proxy.answer()));
  t.like(await (await fetch(`${proxy.base}/cgi-bin/token?appid=${appid}`)).json(), { expires_in: 7200 });

  let last: Record<string, unknown> = {};
  await until(async () => !('ip_list' in (last = await proxy.answer())));
  t.is(last.errcode, -1);
  t.regex(String(last.errmsg), /^wechat-sidecar: no hub can be reached .*WECHAT_SIDECAR_HUB_URL/);
  t.is(refusalsAt(simulator), 0);
  t.like(await (await fetch(`${proxy.base}/cgi-bin/token?appid=${appid}`)).json(), {
    access_token: standInFor(appid),
  });

  await startTestHub(t, [simulator.origin], {
    env: { WECHAT_SIDECAR_LISTEN: `127.0.0.1:${hub.port}` },
  });
  await until(async () => 'ip_list' in (await proxy.answer()));
  await until(() => proxy.status().hub.watch.state === 'open');
  t.is(refusalsAt(simulator), 0);
});

test('a token that died while the hub was unavailable is healed when the hub is back', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  await proxy.answer();
  const dead = proxy.fingerprint();
  await hub.role.drain({ delayMs: 0, timeoutMs: 0 });
  simulator.control.revoke();
  t.is((await proxy.answer()).errcode, 40001);
  await startTestHub(t, [simulator.origin], {
    env: { WECHAT_SIDECAR_LISTEN: `127.0.0.1:${hub.port}` },
  });
  await until(() => proxy.fingerprint() !== dead);
  t.true('ip_list' in (await proxy.answer()));
});

test('if the first hub is dead, a sidecar uses the second', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [NOBODY, hub.base]);
  t.true('ip_list' in (await proxy.answer()));
  await until(() => proxy.status().hub.watch.state === 'open');
  t.is(`http://${proxy.status().hub.watch.host}`, hub.base);
  simulator.control.overwrite();
  t.true('ip_list' in (await proxy.answer()));
});

test('if the first hub hangs, a sidecar heals through the second in time', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const frozen = await startSilentServer(t);
  const proxy = await startHubProxy(t, [simulator.origin], [frozen, hub.base]);
  t.true('ip_list' in (await proxy.answer()));
  simulator.control.overwrite();
  const startMs = patientClock.monotonicMs();
  t.true('ip_list' in (await proxy.answer()));
  t.true(patientClock.monotonicMs() - startMs < 2_500);
});

test('a renewed credential file is used', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { key: REPORTS_KEY });
  await proxy.answer();
  hub.role.reconfigure({
    ...hub.settings,
    clients: hub.settings.clients.filter(({ name }) => name === 'orders'),
  });
  proxy.rotate(ORDERS_KEY);
  simulator.control.overwrite();
  t.true('ip_list' in (await proxy.answer()));
  await until(() => proxy.status().hub.watch.state === 'open');
  t.false(hub.lines.some((line) => line.includes('unauthorized')));
});

test('before the hub has sent its accounts, a call that names none is refused with that reason', async (t) => {
  const simulator = await startSimulator(t);
  const proxy = await startHubProxy(t, [simulator.origin], [NOBODY]);
  const answer = await fetch(proxy.base + PLAIN_CALL);
  t.is(answer.headers.get('x-wechat-sidecar-error'), 'token_unavailable');
  t.regex(
    await answer.text(),
    /names no account, and the account list has not been received from the hub yet/,
  );
  t.regex(proxy.role.ready[0]?.run() ?? '', /account list has not been received/);
});

test('a wrong or missing credential is reported with the name of its setting', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const env = { WECHAT_SIDECAR_DEFAULT_APP: appid };
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { key: 'of-nobody', env });
  const wrong = await fetch(proxy.base + PLAIN_CALL);
  t.is(wrong.headers.get('x-wechat-sidecar-error'), 'token_unavailable');
  t.regex(await wrong.text(), /refuses our credential \(HTTP 401\).*WECHAT_SIDECAR_HUB_TOKEN_FILE/);
  t.regex(proxy.role.ready[0]?.run() ?? '', /has had no token yet/);
  proxy.rotate(undefined);
  await until(async () => /there is no file/.test(String((await proxy.answer()).errmsg)));
  t.regex(String((await proxy.answer()).errmsg), /WECHAT_SIDECAR_HUB_TOKEN_FILE/);
  proxy.rotate(ORDERS_KEY);
  await until(async () => 'ip_list' in (await proxy.answer()));
  t.is(proxy.role.ready[0]?.run(), undefined);
});

test('a caller without the right to tokens gets the reason that its hub gives', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const clients = hub.settings.clients.map((client) => ({ ...client, may: ['tickets'] as const }));
  hub.role.reconfigure({ ...hub.settings, clients });
  const env = { WECHAT_SIDECAR_DEFAULT_APP: appid };
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { env });
  const { errmsg } = await proxy.answer();
  t.regex(String(errmsg), /^wechat-sidecar: the hub \S+ says: .* lacks the right "tokens"/);
  hub.role.reconfigure(hub.settings);
  await until(async () => 'ip_list' in (await proxy.answer()));
});

test('however often a wrong credential was sent, the message is about the credential', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  for (let index = 0; index < 15; index += 1) await hub.call('/v1/apps', {}, 'of-nobody');
  const env = { WECHAT_SIDECAR_DEFAULT_APP: appid };
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { key: 'of-nobody', env });
  t.regex(
    String((await proxy.answer()).errmsg),
    /refuses our credential \(HTTP 429\).*WECHAT_SIDECAR_HUB_TOKEN_FILE/,
  );
  proxy.rotate(ORDERS_KEY);
  await until(async () => 'ip_list' in (await proxy.answer()));
});

test('neither a token nor a credential is in the log, even at debug level', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [NOBODY, hub.base]);
  const tokens: string[] = [];
  for (const kill of [() => {}, () => simulator.control.overwrite(), () => simulator.control.revoke()]) {
    kill();
    await proxy.answer();
    tokens.push(simulator.control.token(appid) ?? '');
  }
  proxy.rotate('of-nobody');
  await hub.role.drain({ delayMs: 0, timeoutMs: 0 });
  simulator.control.revoke();
  await proxy.answer();
  t.is(new Set(tokens).size, 3);
  const told = [
    ...proxy.lines,
    ...hub.lines,
    JSON.stringify(proxy.status()),
    await proxy.metrics.page(),
  ].join();
  t.true(told.includes(proxy.fingerprint() ?? 'none'));
  for (const secret of [...tokens, REPORTS_KEY, 'of-nobody', DEMO_APP.secret]) t.false(told.includes(secret));
});

/** Takes connections and requests, and never says a word: a machine that froze. */
async function startSilentServer(t: Teardown): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
