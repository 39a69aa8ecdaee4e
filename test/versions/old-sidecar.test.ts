import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { REPORTS_KEY, startHubPair } from '../support/hub.ts';
import { until } from '../support/hub-proxy.ts';
import { rawConnection, type RawConnection } from '../support/raw-call.ts';
import { recordedWire, type RecordedExchange } from './recorded.ts';

/**
 * A sidecar of 0.1.0 with a hub of now: what it sent is sent again, and the answers are read by its rules. It
 * took `access_token`, `issued_at`, `expires_at` and `expires_in` of a token, and went by HTTP status and
 * `type` where there was none.
 */
const wire = recordedWire();
const { appid } = DEMO_APP;

/** The recorded bytes, for the account, the key and the token of this test. */
function requestOf({ request }: RecordedExchange, fingerprint = ''): string {
  const text = request.replaceAll(wire.appid, appid).replaceAll(wire.key, REPORTS_KEY);
  return fingerprint === ''
    ? text
    : text.replace(/"fingerprint":"[0-9a-f]{16}"/, `"fingerprint":"${fingerprint}"`);
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

async function send(port: number, request: string): Promise<Answer> {
  const connection = await rawConnection(port);
  connection.socket.write(request.replace('connection: keep-alive', 'connection: close'));
  const [head = '', body = ''] = (await connection.untilClosed()).split(/\r\n\r\n(.*)/s);
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body };
}

function tokenIn(body: string): { access_token: string; fingerprint: string; refreshed?: boolean } {
  const token = JSON.parse(body) as Record<string, unknown>;
  if (!(Number(token['expires_in']) > 0)) throw new Error(`no life in ${Object.keys(token).join()}`);
  for (const date of ['issued_at', 'expires_at']) {
    if (Number.isNaN(Date.parse(String(token[date])))) throw new Error(`${date} is no date`);
  }
  return token as { access_token: string; fingerprint: string; refreshed?: boolean };
}

/** The tokens of the stream, as they have come so far. */
function watched(connection: RawConnection): string[] {
  return [...connection.received().matchAll(/event: token\ndata: (\{.*\})/g)].map(
    ([, data = '']) => tokenIn(data).fingerprint,
  );
}

test('a sidecar of 0.1.0 gets its token, its logins and its ticket', async (t) => {
  const { hub } = await startHubPair(t);
  const token = tokenIn((await hub.call(`/v1/apps/${appid}/token`)).body.toString());
  const apps = await send(hub.port, requestOf(wire.exchanges.apps));
  t.like(JSON.parse(apps.body), { apps: [{ appid, mode: 'stable', fingerprint: token.fingerprint }] });
  for (const name of ['login', 'clearQuota'] as const) {
    const { status, head } = await send(hub.port, requestOf(wire.exchanges[name]));
    t.is(status, 200, name);
    t.true(head.includes('x-wechat-sidecar-relay: 1'), name);
  }
  const ticket = JSON.parse((await send(hub.port, requestOf(wire.exchanges.ticket))).body) as object;
  t.deepEqual(Object.keys(ticket), Object.keys(JSON.parse(wire.exchanges.ticket.response.body) as object));
});

test('a sidecar of 0.1.0 heals a refused token, and gets the next one from its watch', async (t) => {
  const { hub, simulator } = await startHubPair(t);
  const watch = await rawConnection(hub.port);
  watch.socket.write(requestOf(wire.watch));
  t.teardown(() => watch.socket.destroy());
  await until(() => watched(watch).length === 1);
  const [first = ''] = watched(watch);
  simulator.control.overwrite();
  const answer = await send(hub.port, requestOf(wire.exchanges.report, first));
  t.is(answer.status, 200);
  const next = tokenIn(answer.body);
  t.not(next.fingerprint, first);
  t.true(next.refreshed);
  await until(() => watched(watch).includes(next.fingerprint));
  // One that comes late: the current token, and no look.
  const late = tokenIn((await send(hub.port, requestOf(wire.exchanges.report, first))).body);
  t.is(late.fingerprint, next.fingerprint);
});

test('a sidecar of 0.1.0 gets the same token if the platform accepts it', async (t) => {
  const { hub } = await startHubPair(t);
  const { fingerprint } = tokenIn((await hub.call(`/v1/apps/${appid}/token`)).body.toString());
  const answer = await send(hub.port, requestOf(wire.exchanges.report, fingerprint));
  t.is(answer.status, wire.otherAnswers.accepted.status);
  t.like(tokenIn(answer.body), { fingerprint, refreshed: false });
});

test('a sidecar of 0.1.0 reads errors as before', async (t) => {
  const { hub } = await startHubPair(t);
  const stranger = await send(hub.port, requestOf(wire.exchanges.apps).replace(REPORTS_KEY, 'another'));
  const unknown = await send(
    hub.port,
    requestOf(wire.exchanges.report, '0'.repeat(16)).replace(appid, 'wx0'),
  );
  for (const [now, then] of [
    [stranger, wire.otherAnswers.unauthorized],
    [unknown, wire.otherAnswers.unknownApp],
  ] as const) {
    t.is(now.status, then.status);
    t.true(now.head.includes('application/problem+json'));
    const typeOf = (body: string): unknown => (JSON.parse(body) as { type: unknown }).type;
    t.is(typeOf(now.body), typeOf(then.body));
  }
});
