import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { standInFor } from '../../src/wechat/stand-in.ts';
import { ORDERS_KEY, startHubPair, startTestHub } from '../support/hub.ts';
import { startHubProxy, until } from '../support/hub-proxy.ts';
import { startPair } from '../support/proxy.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';

const { appid, secret } = DEMO_APP;
const OTHER = { appid: 'wx00000000000other', secret: 'other-secret' };
const TICKET = '/cgi-bin/ticket/getticket?type=';
const LOGIN = '/sns/jscode2session?grant_type=authorization_code&js_code=';

test('the hub makes a login call, and the sidecar has no secret', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  const answer = await fetch(`${proxy.base}${LOGIN}alice.1&secret=made-up&appid=${appid}`);
  t.is(answer.headers.get('x-wechat-sidecar'), `0.0.0-test; app=${appid}; replay=0`);
  t.true('openid' in ((await answer.json()) as object));
  const [arrival] = simulator.control.arrivals({ path: '/sns/jscode2session' });
  t.regex(arrival?.url ?? '', new RegExp(`[?&]secret=${secret}`));
  t.false(arrival?.url.includes('made-up'));
  t.like(await proxy.answer(`${LOGIN}alice.1`), { errcode: 40163 });
  t.false(proxy.lines.join().includes(secret));
  t.false(proxy.lines.join().includes('alice.1'));
});

test('the hub also makes a call whose body has the AppSecret', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  const path = '/cgi-bin/clear_quota/v2';
  const answer = await fetch(proxy.base + path, { method: 'POST', body: '{"some":"thing"}' });
  t.like(await answer.json(), { errcode: 0 });
  const [arrival] = simulator.control.arrivals({ path });
  t.is(arrival?.body?.text, '{"some":"thing"}');
  t.regex(arrival?.url ?? '', new RegExp(`[?&]appsecret=${secret}`));
  const large = await fetch(proxy.base + path, { method: 'POST', body: Buffer.alloc(100_000) });
  t.is(large.headers.get('x-wechat-sidecar-error'), 'body_too_large');
});

test('a login call that the hub cannot make returns one of our own errors, with the reason', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const env = { WECHAT_SIDECAR_DEFAULT_APP: appid, WECHAT_SIDECAR_ERROR_STATUS: 'http' };
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { env });
  const stranger = await startHubProxy(t, [simulator.origin], [hub.base], { env, key: 'of-nobody' });
  const reasonOf = async (base: string): Promise<string> => {
    const answer = await fetch(`${base}${LOGIN}bob.1`);
    return `${answer.status} ${answer.headers.get('x-wechat-sidecar-error')}`;
  };
  t.is(await reasonOf(stranger.base), '503 token_unavailable');
  await simulator.close();
  t.is(await reasonOf(proxy.base), '502 upstream_unreachable');
  await hub.role.drain({ delayMs: 0, timeoutMs: 0 });
  t.is(await reasonOf(proxy.base), '502 upstream_unreachable');
});

test('if the caller of a login disconnects, the hub ends the call too', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  simulator.control.delay({ path: '/sns/jscode2session', ms: 30_000 });
  const leaving = new AbortController();
  const call = fetch(`${proxy.base}${LOGIN}carol.1`, { signal: leaving.signal });
  await simulator.control.arrived({ path: '/sns/jscode2session' });
  leaving.abort();
  await t.throwsAsync(call, { any: true });
  await until(() => simulator.control.arrivals({ path: '/sns/jscode2session' })[0]?.outcome === 'left');
  t.pass();
});

test('an account that the hub does not let us use is unknown', async (t) => {
  const simulator = await startSimulator(t, { apps: [DEMO_APP, OTHER] });
  const file = `apps:\n  - { appid: ${OTHER.appid}, secret: ${OTHER.secret} }`;
  const hub = await startTestHub(t, [simulator.origin], { file });
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base], { key: ORDERS_KEY });
  const headers = { 'x-wechat-appid': OTHER.appid };
  const call = (): Promise<Response> => fetch(`${proxy.base}/cgi-bin/getcallbackip`, { headers });
  t.is((await call()).headers.get('x-wechat-sidecar-error'), 'unknown_app');
  const tokenCall = `/cgi-bin/token?grant_type=client_credential&secret=x&appid=`;
  t.like(await proxy.answer(tokenCall + OTHER.appid), { errcode: 40013 });
  t.like(await proxy.answer(tokenCall + appid), { access_token: standInFor(appid), expires_in: 7200 });
});

test('calls for unknown accounts do not each reach the hub', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  for (let i = 0; i < 20; i++) {
    const headers = { 'x-wechat-appid': `wx00000000000000${10 + i}` };
    const answer = await fetch(`${proxy.base}/cgi-bin/getcallbackip`, { headers });
    t.is(answer.headers.get('x-wechat-sidecar-error'), 'unknown_app');
  }
  t.false(hub.lines.some((line) => line.includes('caller rejected')));
});

test("tickets come from the hub's copy, and one request to the platform serves all sidecars", async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const [one, two] = await Promise.all([
    startHubProxy(t, [simulator.origin], [hub.base]),
    startHubProxy(t, [simulator.origin], [hub.base]),
  ]);
  const answer = await fetch(`${one.base}${TICKET}jsapi&access_token=${standInFor(appid)}`);
  t.is(answer.headers.get('x-wechat-sidecar'), `0.0.0-test; app=${appid}; replay=0`);
  const ticket = (await answer.json()) as Record<string, unknown>;
  t.deepEqual(Object.keys(ticket), ['errcode', 'errmsg', 'ticket', 'expires_in']);
  t.like(ticket, { errcode: 0, errmsg: 'ok' });
  t.true(Number(ticket.expires_in) > 7_100 && Number(ticket.expires_in) <= 7_200);
  const again = await Promise.all(
    [1, 2, 3].flatMap(() => [one, two]).map((proxy) => proxy.answer(`${TICKET}jsapi`)),
  );
  t.deepEqual(new Set(again.map((each) => each.ticket)), new Set([ticket.ticket]));
  t.not((await two.answer(`${TICKET}wx_card`)).ticket, ticket.ticket);
  t.is(ticketCalls(simulator), 2);
  await hub.role.drain({ delayMs: 0, timeoutMs: 0 });
  t.is((await one.answer(`${TICKET}jsapi`)).ticket, ticket.ticket);
  t.false([...one.lines, ...two.lines, ...hub.lines].join().includes(String(ticket.ticket)));
});

test('a ticket of another type, or one that the hub cannot provide, is requested as any other call', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  t.like(await proxy.answer(`${TICKET}sdk`), { errcode: 0 });
  t.like(await proxy.answer(`${TICKET}nonsense`), { errcode: 40097 });
  t.is(ticketCalls(simulator), 2);
  simulator.control.break({
    path: '/cgi-bin/ticket/getticket',
    fault: { kind: 'errcode', errcode: 48001 },
  });
  t.like(await proxy.answer(`${TICKET}jsapi`), { errcode: 48001 });
  t.is(ticketCalls(simulator), 4);
  simulator.control.heal();
  await hub.role.drain({ delayMs: 0, timeoutMs: 0 });
  t.like(await proxy.answer(`${TICKET}wx_card`), { errcode: 0 });
});

test('a sidecar with its own account keeps tickets as well', async (t) => {
  const { simulator, proxy } = await startPair(t);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => (await fetch(`${proxy.base}${TICKET}jsapi`)).json()),
  );
  t.is(new Set(answers.map((answer) => (answer as { ticket: string }).ticket)).size, 1);
  t.is(ticketCalls(simulator), 1);
});

test('a ticket is served to GET and POST, with a body or without one', async (t) => {
  const { simulator, proxy } = await startPair(t);
  for (const type of ['jsapi', 'wx_card']) {
    const tickets = new Set<unknown>();
    for (const init of [
      {},
      { method: 'POST' },
      { method: 'POST', body: '{}' },
      { method: 'POST', body: 'a=b' },
    ]) {
      const answer = (await (await fetch(`${proxy.base}${TICKET}${type}`, init)).json()) as {
        ticket: string;
      };
      tickets.add(answer.ticket);
    }
    t.is(tickets.size, 1, type);
    t.is(typeof [...tickets][0], 'string', type);
  }
  t.is(ticketCalls(simulator), 2);
});

function ticketCalls({ control }: RunningSimulator): number {
  return control.arrivals({ path: '/cgi-bin/ticket/getticket' }).length;
}
