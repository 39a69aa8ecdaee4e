import { request } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { makeLog, silentLog, type LevelledLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/clock.ts';
import { adminHandler, type AdminInput } from '../../src/server/admin.ts';
import { listen } from '../../src/server/listen.ts';
import { makeMetrics } from '../../src/server/metrics.ts';
import { rawCall } from '../support/raw-call.ts';

const build = { version: '1.2.3', role: 'proxy', node: 'v24.0.0' };

interface Admin {
  readonly port: number;
  readonly log: LevelledLog;
  readonly quits: number[];
  readonly get: (
    path: string,
    init?: RequestInit,
  ) => Promise<{ status: number; text: string; headers: Headers }>;
}

async function startAdmin(t: ExecutionContext, over: Partial<AdminInput> = {}): Promise<Admin> {
  const log = makeLog('info', systemClock, () => undefined);
  const quits: number[] = [];
  const handler = adminHandler({
    build,
    checks: { live: [], ready: [], startup: [] },
    status: () => ({ apps: [{ app: 'shop', fingerprint: '0123456789abcdef' }] }),
    metrics: makeMetrics(build),
    quit: () => void quits.push(1),
    clock: systemClock,
    log,
    ...over,
  });
  const listener = await listen({
    handler,
    host: '127.0.0.1',
    port: 0,
    setting: 'adminListen',
    clock: systemClock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  const get: Admin['get'] = async (path, init) => {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { port: listener.port, log, quits, get };
}

test('health is one word, and with ?verbose one line for each check', async (t) => {
  const { get } = await startAdmin(t, {
    checks: {
      live: [{ name: 'loop', run: () => undefined }],
      ready: [
        { name: 'draining', run: () => undefined },
        { name: 'token', run: () => undefined },
      ],
      startup: [],
    },
  });
  for (const path of ['/livez', '/readyz', '/startupz', '/healthz']) {
    const { status, text } = await get(path);
    t.is(status, 200, path);
    t.is(text.trim(), 'ok', path);
  }
  t.is((await get('/readyz?verbose')).text, '[+]draining ok\n[+]token ok\nreadyz check passed\n');
  t.is((await get('/healthz?verbose')).text, '[+]loop ok\nhealthz check passed\n');
});

test('a check that fails is named with its reason, and only its own endpoint fails', async (t) => {
  let problem: string | undefined = 'no token for shop yet';
  const { get } = await startAdmin(t, {
    checks: {
      live: [],
      ready: [
        { name: 'draining', run: () => undefined },
        { name: 'token', run: () => problem },
      ],
      startup: [],
    },
  });
  const failed = await get('/readyz');
  t.is(failed.status, 503);
  t.is(failed.text, '[+]draining ok\n[-]token failed: no token for shop yet\nreadyz check failed\n');
  t.is((await get('/livez')).status, 200);
  problem = undefined;
  t.is((await get('/readyz')).status, 200);
});

test('metrics, version and status are served, to HEAD as well', async (t) => {
  const { get } = await startAdmin(t);
  const metrics = await get('/metrics');
  t.regex(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  t.regex(metrics.text, /wechat_sidecar_build_info\{version="1\.2\.3"/);
  t.deepEqual(JSON.parse((await get('/version')).text), build);
  const status = await get('/status');
  t.regex(status.headers.get('content-type') ?? '', /^application\/json/);
  t.deepEqual(JSON.parse(status.text), { apps: [{ app: 'shop', fingerprint: '0123456789abcdef' }] });
  t.is((await get('/livez', { method: 'HEAD' })).status, 200);
});

test('a program on this machine can stop the role, after the response is sent', async (t) => {
  let quit: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (quit = resolve));
  const { get } = await startAdmin(t, { quit: () => quit() });
  const answer = await get('/quitquitquit', { method: 'POST' });
  t.is(answer.status, 200);
  t.is(answer.text, 'stopping\n');
  await stopped;
  t.pass();
});

test('the log level is changed by query or by body, and a wrong one is refused with an explanation', async (t) => {
  const { get, log } = await startAdmin(t);
  t.is(
    (await get('/loglevel?level=debug', { method: 'POST' })).text,
    'the log level was info and is debug\n',
  );
  t.is(log.level(), 'debug');
  await get('/loglevel', { method: 'POST', body: 'warn' });
  t.is(log.level(), 'warn');
  await get('/loglevel', { method: 'POST', body: 'level=error\n' });
  t.is(log.level(), 'error');
  for (const [path, body] of [
    ['/loglevel', 'loud'],
    ['/loglevel?level=loud', undefined],
    ['/loglevel', 'x'.repeat(100_000)],
    ['/loglevel', undefined],
  ] as const) {
    const answer = await get(path, { method: 'POST', ...(body === undefined ? {} : { body }) });
    t.is(answer.status, 400);
    t.regex(answer.text, /debug, info, warn, error, silent/);
  }
  t.is(log.level(), 'error');
});

test('calls that change something refuse GET with 405 and the method to use', async (t) => {
  const { get, quits } = await startAdmin(t);
  for (const path of ['/quitquitquit', '/loglevel?level=debug']) {
    const answer = await get(path);
    t.is(answer.status, 405, path);
    t.is(answer.headers.get('allow'), 'POST', path);
  }
  const deleted = await get('/metrics', { method: 'DELETE' });
  t.is(deleted.status, 405);
  t.is(deleted.headers.get('allow'), 'GET, HEAD');
  t.deepEqual(quits, []);
});

test('a web page cannot post, neither across sites nor through DNS rebinding', async (t) => {
  const { port, quits } = await startAdmin(t);
  const post = (headers: string): Promise<string> =>
    rawCall(port, `POST /quitquitquit HTTP/1.1\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  for (const headers of [
    'Host: localhost\r\nOrigin: https://evil.example\r\n',
    'Host: localhost\r\nOrigin: null\r\n',
    'Host: localhost\r\nOrigin: http://localhost.evil.example\r\n',
    'Host: localhost\r\nOrigin: http://localhost:3000\r\n',
    'Host: localhost\r\nReferer: https://evil.example/\r\n',
    'Host: localhost\r\nSec-Fetch-Site: cross-site\r\n',
    'Host: localhost\r\nSec-Fetch-Site: same-site\r\n',
    'Host: evil.example:3881\r\n',
    'Host: 127.0.0.1.evil.example\r\n',
  ]) {
    t.regex(await post(headers), /^HTTP\/1\.1 403 [^]*Refused/, headers);
  }
  t.deepEqual(quits, []);
  t.regex(await post('Host: [::1]:3881\r\n'), /^HTTP\/1\.1 200 /);
});

test('a call that a mesh or a proxy forwards is not from this machine', async (t) => {
  const { port, quits } = await startAdmin(t);
  const post = (localAddress: string, headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { port, localAddress, path: '/quitquitquit', method: 'POST', agent: false };
      const call = request({ ...options, headers: { host: 'localhost', ...headers } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      call.on('error', reject).end();
    });
  for (const address of ['127.0.0.2', '127.0.0.6', '127.1.1.1']) t.is(await post(address, {}), 403, address);
  for (const headers of [
    { forwarded: 'for=10.1.2.3' },
    { via: '1.1 squid' },
    { 'x-forwarded-for': '10.1.2.3' },
    { 'X-Forwarded-Proto': 'https' },
    { 'x-forwarded-client-cert': 'By=spiffe://x' },
    { 'x-envoy-external-address': '10.1.2.3' },
    { 'X-Envoy-Attempt-Count': '1' },
  ]) {
    t.is(await post('127.0.0.1', headers as Record<string, string>), 403, JSON.stringify(headers));
  }
  t.deepEqual(quits, []);
  t.is(await post('127.0.0.1', {}), 200);
});

test('an unknown path gets a list of what exists', async (t) => {
  const { get } = await startAdmin(t);
  const answer = await get('/nothing/here?x=1');
  t.is(answer.status, 404);
  for (const path of [
    '/livez',
    '/readyz',
    '/startupz',
    '/metrics',
    '/status',
    '/quitquitquit',
    '/loglevel',
  ]) {
    t.true(answer.text.includes(path), path);
  }
  t.is((await get('/')).status, 200);
});

test('an internal failure is a 500 without details', async (t) => {
  const { get } = await startAdmin(t, {
    status() {
      throw new Error('canary');
    },
  });
  const answer = await get('/status');
  t.is(answer.status, 500);
  t.notRegex(answer.text, /canary/);
  t.is((await get('/livez')).status, 200);
});
