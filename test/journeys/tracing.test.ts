import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { type CollectedSpan, type Collector, startCollector } from '../support/otlp-collector.ts';
import { secretsIn } from '../support/secrets-nowhere.ts';
import { APPID, APPSECRET, Sidecar } from '../support/sidecar.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLERS = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, tracestate: 'rojo=00f067aa0ba902b7' };
const SEND = '/cgi-bin/message/custom/send';
const OPENID = 'oTracedOpenid0123456789abcde';

/** Whatever else a span said would have to be looked at first. */
const ATTRIBUTES = new Set([
  'http.request.method',
  'http.request.resend_count',
  'http.response.status_code',
  'url.path',
  'url.scheme',
  'server.address',
  'error.type',
  'wechat.appid',
  'wechat.errcode',
  'wechat.replay',
]);

async function start(
  t: ExecutionContext,
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<{ platform: RunningSimulator; sidecar: Sidecar }> {
  const platform = await startSimulator(t);
  const account = {
    WECHAT_APPID: APPID,
    WECHAT_APPSECRET: APPSECRET,
    WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    WECHAT_SIDECAR_ACCESS_LOG: 'all',
  };
  const sidecar = new Sidecar(t, 'proxy', { env: { ...account, ...env }, nodeOptions });
  await (await sidecar.untilServing()).untilLine('token refreshed');
  platform.control.clear();
  return { platform, sidecar };
}

/** All of a stopped sidecar: it sends what is left before it ends. */
async function spansOf(
  t: ExecutionContext,
  sidecar: Sidecar,
  collector: Collector,
): Promise<CollectedSpan[]> {
  t.is((await sidecar.stop()).code, 0);
  for (const { attributes } of collector.spans) {
    for (const name of Object.keys(attributes)) t.true(ATTRIBUTES.has(name), name);
  }
  const text = collector.texts.join();
  t.deepEqual(secretsIn(text), []);
  t.false(text.includes(OPENID) || text.includes('touser'));
  return collector.spans;
}

function headerAt(
  { platform }: { platform: RunningSimulator },
  at: number,
  name: string,
): string | undefined {
  const { rawHeaders = [] } = platform.control.arrivals({ path: SEND })[at] ?? {};
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
  return values.length > 1 ? values.join(' AND ') : values[0];
}

// Calls of web pages go by the general lane.
for (const lane of ['express', 'general']) {
  test(`a healed call is a trace: the caller's span, ours, both sendings, the waits and the replay (${lane})`, async (t) => {
    const collector = await startCollector(t);
    const { platform, sidecar } = await start(t, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    platform.control.revoke();
    const headers = { ...CALLERS, ...(lane === 'general' && { origin: sidecar.base }) };
    const reply = await sidecar.call(`${SEND}?x=${OPENID}`, { headers, body: { touser: OPENID } });
    t.is(reply.json()['errcode'], 0, reply.body.toString());
    t.regex(String(reply.headers['x-wechat-sidecar']), /replay=1/);
    const line = await sidecar.untilLine('access');
    t.is(line['trace_id'], TRACE_ID);
    t.is((await sidecar.untilLine('call replayed'))['trace_id'], TRACE_ID);

    const spans = await spansOf(t, sidecar, collector);
    t.true(spans.every(({ traceId }) => traceId === TRACE_ID));
    const server = spans.find(({ kind }) => kind === 2);
    t.like(server, {
      name: `POST ${SEND}`,
      parentSpanId: CALLERS.traceparent.slice(36, 52),
      traceState: CALLERS.tracestate,
    });
    t.deepEqual(server?.attributes, {
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'url.path': SEND,
      'url.scheme': 'http',
      'wechat.appid': APPID,
      'wechat.errcode': 0,
      'wechat.replay': 1,
    });
    t.like(server?.resource, { 'service.name': 'wechat-sidecar' });
    const replay = spans.find(({ name }) => name === 'replay');
    const wait = spans.find(({ name }) => name === 'wait for token');
    const [first, second] = spans.filter(({ kind }) => kind === 3);
    for (const child of [first, wait, replay]) t.is(child?.parentSpanId, server?.spanId);
    t.is(second?.parentSpanId, replay?.spanId);
    t.like(first?.attributes, {
      'server.address': '127.0.0.1',
      'http.response.status_code': 200,
      'wechat.errcode': 40001,
    });
    t.like(second?.attributes, { 'http.request.resend_count': 1, 'wechat.errcode': 0 });
    for (const [at, span] of [first, second].entries()) {
      t.is(headerAt({ platform }, at, 'traceparent'), `00-${TRACE_ID}-${span?.spanId}-01`);
      t.is(headerAt({ platform }, at, 'tracestate'), CALLERS.tracestate);
    }
  });
}

test('calls that pass, fail or are refused are traced, and a new trace begins where the caller has none', async (t) => {
  const collector = await startCollector(t);
  const { platform, sidecar } = await start(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
  });
  await sidecar.call(`${SEND}?access_token=${'f'.repeat(60)}`, { body: {} });
  t.regex(headerAt({ platform }, 0, 'traceparent') ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await sidecar.call('/cgi-bin/getcallbackip', { headers: { 'x-wechat-appid': 'wxnobody' } });
  await sidecar.call('/cgi-bin/getcallbackip', { headers: { origin: 'https://evil.example' } });
  platform.control.break({ path: SEND, fault: { kind: 'reset' } });
  await sidecar.call(SEND, { body: {}, headers: { traceparent: 'nonsense' } });
  await sidecar.untilLines('access', 4);
  const spans = await spansOf(t, sidecar, collector);
  const servers = spans.filter(({ kind }) => kind === 2);
  t.is(new Set(spans.map(({ traceId }) => traceId)).size, 4);
  t.true(servers.every(({ parentSpanId }) => !parentSpanId));
  t.deepEqual(
    servers.map(({ attributes, status }) => [
      attributes['wechat.errcode'],
      attributes['error.type'],
      status?.code,
    ]),
    [
      [40001, undefined, 0],
      [-3, 'unknown_app', 2],
      [-3, 'forbidden_origin', 0],
      [-2, 'upstream_broken', 2],
    ],
  );
});

test('the sampler in the environment is used, and its decision passed on', async (t) => {
  const collector = await startCollector(t);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'parentbased_always_off' };
  const { platform, sidecar } = await start(t, env);
  await sidecar.call(SEND, { body: {} });
  t.regex(headerAt({ platform }, 0, 'traceparent') ?? '', /-00$/);
  await sidecar.call(SEND, { body: {}, headers: CALLERS });
  const spans = await spansOf(t, sidecar, collector);
  t.deepEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([TRACE_ID]));
});

test('without a collector the headers of the caller pass as they are', async (t) => {
  const { platform, sidecar } = await start(t, {});
  await sidecar.call(SEND, { body: {}, headers: CALLERS });
  t.is(headerAt({ platform }, 0, 'traceparent'), CALLERS.traceparent);
  t.is(headerAt({ platform }, 0, 'tracestate'), CALLERS.tracestate);
  t.is((await sidecar.untilLine('access'))['trace_id'], undefined);
  t.deepEqual(sidecar.lines('calls are traced'), []);
});

/** Names on standard error each package that is loaded. */
const NAMES_PACKAGES = dataUrl(
  `import { register } from 'node:module'; register(${JSON.stringify(
    dataUrl(
      `import { writeSync } from 'node:fs';
       export const resolve = (name, context, next) => (writeSync(2, 'loads ' + name + '\\n'), next(name, context));`,
    ),
  )});`,
);

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

test('the packages are loaded only if a collector is named', async (t) => {
  for (const [env, isLoaded] of [
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, true],
  ] as const) {
    const { sidecar } = await start(t, env, [`--import=${NAMES_PACKAGES}`]);
    t.is(await sidecar.errcode(SEND, { body: {} }), 0);
    t.regex(sidecar.stderr(), /^loads koa$/m);
    t.is(/^loads @opentelemetry\/sdk-trace$/m.test(sidecar.stderr()), isLoaded);
  }
});

test('an unavailable collector delays neither calls nor the stop', async (t) => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  const { sidecar } = await start(t, env);
  t.is(await sidecar.errcode(SEND, { body: {} }), 0);
  t.is((await sidecar.stop()).code, 0);
  const [began, over] = [sidecar.lines('stopping'), sidecar.lines('stopped')].map(([line]) =>
    Date.parse(String(line?.['time'])),
  );
  t.true((over ?? Infinity) - (began ?? 0) < 12_000, 'far within drainTimeout');
});

test('a collector that refuses is reported by its status code, without anything of the call', async (t) => {
  const collector = await startCollector(t);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/elsewhere`,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=hunter2',
  };
  const { sidecar } = await start(t, env);
  t.is(await sidecar.errcode(SEND, { body: {} }), 0);
  t.like(await sidecar.untilLine('spans could not be sent'), { level: 'warn', reason: '404' });
  t.is(await sidecar.errcode(SEND, { body: {} }), 0);
  t.is((await sidecar.stop()).code, 0);
  t.is(sidecar.lines('spans could not be sent').length, 2, 'what is left at the stop is told too');
  t.false(sidecar.stdout().includes('hunter2'));
});

test('without the packages calls are served but not traced, and one warning says what to install', async (t) => {
  const root = resolve(import.meta.dirname, '../../..');
  const folder = temporaryFolder(t);
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules/@opentelemetry'), { recursive: true });
  // The last one comes with prom-client.
  const names = readdirSync(join(root, 'node_modules')).filter((name) => !/^[.@]/.test(name));
  for (const name of [...names, '@opentelemetry/api']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const child = spawn(process.execPath, [join(folder, 'dist/cli.js'), 'proxy'], {
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
      WECHAT_SIDECAR_UPSTREAMS: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let stdout = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    stdout += text;
    if (stdout.includes('"event":"serving"')) child.kill('SIGTERM');
  }
  const warned = stdout.split('\n').filter((line) => line.includes('calls are not traced'));
  t.is(warned.length, 1);
  t.regex(warned[0] ?? '', /ERR_MODULE_NOT_FOUND.*npm install @opentelemetry\/api/);
  t.regex(stdout, /"event":"stopped"/);
});
