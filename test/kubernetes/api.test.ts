import { writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type KubernetesApi, makeKubernetesApi, type WatchEvent, whyNot } from '../../src/kubernetes/api.ts';
import { systemClock } from '../../src/base/clock.ts';
import {
  CONFIGURATION_PATH,
  refusal,
  SECRET_PATH,
  type StandInApiServer,
  startApiServer,
} from '../support/api-server.ts';
import { until } from '../support/hub-proxy.ts';

async function start(t: ExecutionContext): Promise<{ server: StandInApiServer; api: KubernetesApi }> {
  const server = await startApiServer(t);
  const api = makeKubernetesApi({ server: server.origin, ...server.files }, systemClock);
  t.teardown(() => api.close());
  return { server, api };
}

test('an object is read, and written unless somebody else changed it since', async (t) => {
  const { server, api } = await start(t);
  const got = await api.call({ method: 'GET', path: SECRET_PATH });
  if (got.kind !== 'ok') return t.fail(whyNot(got));
  const body = { ...(got.body as object), data: { a: 'YQ==' } };
  t.is((await api.call({ method: 'PUT', path: SECRET_PATH, body })).kind, 'ok');
  t.deepEqual(server.object(SECRET_PATH)['data'], { a: 'YQ==' });
  t.like(await api.call({ method: 'PUT', path: SECRET_PATH, body }), {
    kind: 'refused',
    status: 409,
    reason: 'Conflict',
  });
});

test('the token file is read for each call', async (t) => {
  const { server, api } = await start(t);
  writeFileSync(server.files.tokenFile, 'an-old-token');
  t.like(await api.call({ method: 'GET', path: SECRET_PATH }), { kind: 'refused', status: 401 });
  writeFileSync(server.files.tokenFile, 'the-token-of-the-injector\n');
  t.is((await api.call({ method: 'GET', path: SECRET_PATH })).kind, 'ok');
});

test('a server with a certificate of another CA is not called', async (t) => {
  const [{ server, api }, other] = [await start(t), await startApiServer(t)];
  const astray = makeKubernetesApi({ server: server.origin, ...other.files }, systemClock);
  t.teardown(() => astray.close());
  t.like(await astray.call({ method: 'GET', path: '/version' }), { kind: 'failed' });
  t.is(server.requests.length, 0);
  t.is((await api.call({ method: 'GET', path: '/version' })).kind, 'ok');
});

test('silence, a cut connection, missing files and unreadable responses are failures with a reason', async (t) => {
  const { server, api } = await start(t);
  const ask = (timeoutMs = 10_000): Promise<unknown> =>
    api.call({ method: 'GET', path: '/version', timeoutMs });
  server.intercept = () => new Promise(() => undefined);
  t.deepEqual(await ask(100), { kind: 'failed', reason: 'timeout' });
  server.intercept = () => ({ status: 200, body: 'x'.repeat(5 * 1024 * 1024) });
  t.deepEqual(await ask(), { kind: 'failed', reason: 'answer_too_large' });
  server.intercept = () => ({ status: 502, body: 'a proxy on the way' });
  t.like(await ask(), { kind: 'refused', status: 502, reason: 'HTTP 502' });
  server.close();
  t.like(await ask(), { kind: 'failed', reason: 'ECONNREFUSED' });
  const files = { tokenFile: '/nowhere/token', caFile: '/nowhere/ca' };
  const bare = makeKubernetesApi({ server: 'https://127.0.0.1:1', ...files }, systemClock);
  t.deepEqual(await bare.call({ method: 'GET', path: '/version' }), { kind: 'failed', reason: 'ENOENT' });
});

test('a watch reports existing objects and changes, until it is closed or the server ends it', async (t) => {
  const { server, api } = await start(t);
  const path = `${CONFIGURATION_PATH.replace(/\/[^/]+$/, '')}?watch=1&fieldSelector=metadata.name%3Dwechat-sidecar-injector`;
  const events: WatchEvent[] = [];
  const watch = api.watch(path, (event) => events.push(event));
  await until(() => events.length === 1);
  server.revertCaBundle();
  await until(() => events.length === 2);
  t.deepEqual(
    events.map(({ type }) => type),
    ['ADDED', 'MODIFIED'],
  );
  watch.close();
  t.is(typeof (await watch.ended), 'string');
  const second = api.watch(path, () => undefined);
  server.intercept = () => refusal(410, 'Expired');
  const third = api.watch(path, () => undefined);
  t.is(await third.ended, 'HTTP 410');
  await until(() => {
    server.endWatches();
    return true;
  });
  second.close();
  t.is(typeof (await second.ended), 'string');
});
