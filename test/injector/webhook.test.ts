import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startApiServer } from '../support/api-server.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { until } from '../support/hub-proxy.ts';
import { askingPod } from '../support/injection.ts';
import {
  callWebhook,
  handshake,
  reviewOf,
  SERVICE_NAME,
  startTestInjector,
  type WebhookReply,
} from '../support/injector.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Response {
  uid: string;
  allowed: boolean;
  patchType?: string;
  patch?: string;
  warnings?: string[];
  status?: { code: number; reason: string; message: string };
}

interface Running {
  readonly ask: (object: unknown, more?: Record<string, unknown>) => Promise<Response>;
  readonly raw: (body: unknown, how?: { path?: string; method?: string }) => Promise<WebhookReply>;
  readonly metricsPage: () => Promise<string>;
  readonly lines: string[];
}

async function start(t: ExecutionContext, { minor = '34+', env = {} } = {}): Promise<Running> {
  const api = await startApiServer(t);
  api.versionAnswer = { status: 200, body: { major: '1', minor } };
  const injector = await startTestInjector(t, api, { env });
  await until(() => injector.problem() === undefined && injector.lines.join('').includes('cluster version'));
  const raw: Running['raw'] = (body, how) => callWebhook(injector.port, api.caBundle(), body, how);
  return {
    raw,
    lines: injector.lines,
    metricsPage: () => injector.metricsPage(),
    async ask(object, more) {
      const { status, text } = await raw(reviewOf(object, more));
      t.is(status, 200);
      const review = JSON.parse(text) as { apiVersion: string; kind: string; response: Response };
      t.like(review, {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: 'b1a1' },
      });
      return review.response;
    },
  };
}

function operationsOf({ patch }: Response): { op: string; path: string; value: unknown }[] {
  return JSON.parse(Buffer.from(patch ?? '', 'base64').toString()) as ReturnType<typeof operationsOf>;
}

test('a pod with the label gets a patch, and one without it gets none', async (t) => {
  const { ask, metricsPage, lines } = await start(t);
  const injected = await ask(askingPod());
  t.true(injected.allowed);
  t.is(injected.patchType, 'JSONPatch');
  t.true(operationsOf(injected).some(({ path }) => path === '/spec/initContainers'));
  t.deepEqual(await ask({ metadata: { name: 'plain' }, spec: {} }), { uid: 'b1a1', allowed: true });
  const page = await metricsPage();
  t.regex(page, /wechat_sidecar_injections_total\{result="injected",reason="none"\} 1/);
  t.regex(page, /wechat_sidecar_injections_total\{result="skipped",reason="not_asked"\} 1/);
  t.regex(lines.join(''), /"namespace":"shop","pod":"orders","event":"sidecar injected"/);
});

test('a mistake of the author gets a message, not an HTTP error', async (t) => {
  const { ask, metricsPage } = await start(t);
  const refused = await ask(askingPod({ 'wechat-sidecar.io/mod': 'native' }));
  t.false(refused.allowed);
  t.is(refused.patch, undefined);
  t.is(
    refused.status?.message,
    'wechat-sidecar cannot be added to this pod: annotation wechat-sidecar.io/mod: no such annotation; did you mean mode?',
  );
  t.regex(await metricsPage(), /injections_total\{result="refused",reason="none"\} 1/);
});

test('anything that does not create a pod is allowed', async (t) => {
  const { ask } = await start(t);
  const odd: Record<string, unknown>[] = [
    { operation: 'UPDATE' },
    { subResource: 'ephemeralcontainers' },
    { resource: { group: 'apps', version: 'v1', resource: 'deployments' } },
    { resource: undefined },
    { namespace: 'kube-system' },
    { object: null },
  ];
  for (const more of odd) {
    t.deepEqual(await ask(askingPod(), more), { uid: 'b1a1', allowed: true }, JSON.stringify(more));
  }
});

test('an old cluster gets a plain container, and a Job also a warning', async (t) => {
  const { ask } = await start(t, { minor: '28' });
  const pod = askingPod();
  const answer = await ask({ ...pod, spec: { ...(pod['spec'] as object), restartPolicy: 'Never' } });
  t.true(operationsOf(answer).some(({ path }) => path === '/spec/containers/0'));
  t.regex(answer.warnings?.join() ?? '', /quitquitquit/);
});

test('a request that no API server would send is refused with an HTTP status and does no harm', async (t) => {
  const { raw, ask } = await start(t);
  const bodies = [
    '',
    '{',
    'null',
    '[]',
    { kind: 'AdmissionReview' },
    { ...(reviewOf({}) as object), request: {} },
  ];
  for (const body of bodies) t.is((await raw(body)).status, 400, JSON.stringify(body));
  const v1beta1 = { ...(reviewOf(askingPod()) as object), apiVersion: 'admission.k8s.io/v1beta1' };
  t.is((await raw(v1beta1)).status, 400);
  t.is((await raw(reviewOf({}), { path: '/' })).status, 404);
  t.is((await raw('', { method: 'GET' })).status, 405);
  t.is((await raw(' '.repeat(4 * 1024 * 1024 + 1))).status, 413);
  t.is((await raw(reviewOf(Array(60_000).fill(0)))).status, 413);
  t.is((await raw(reviewOf(askingPod(), { uid: 'u'.repeat(200) }))).status, 400);
  t.true((await ask(askingPod())).allowed);
});

test('overlong names are cut before they are logged', async (t) => {
  const { ask, lines } = await start(t);
  const pod = askingPod();
  await ask({ ...pod, metadata: { ...(pod['metadata'] as object), name: 'n'.repeat(100_000) } });
  await ask(askingPod(), { namespace: 's'.repeat(100_000) });
  t.true(lines.every((line) => line.length < 1_000));
});

test('a body that arrives in tiny chunks is rejected', async (t) => {
  const api = await startApiServer(t);
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem() === undefined);
  const call = request({
    host: '127.0.0.1',
    port: injector.port,
    path: '/inject',
    method: 'POST',
    ca: api.caBundle(),
    servername: SERVICE_NAME,
    agent: false,
  });
  call.on('error', () => undefined);
  for (const byte of JSON.stringify(reviewOf(askingPod()))) call.write(byte);
  const [{ statusCode }] = (await once(call, 'response')) as [{ statusCode: number }];
  t.is(statusCode, 400);
  call.destroy();
});

test('a client that disconnects half-way is not counted as our failure', async (t) => {
  const api = await startApiServer(t);
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem() === undefined);
  const call = request({
    host: '127.0.0.1',
    port: injector.port,
    path: '/inject',
    method: 'POST',
    ca: api.caBundle(),
    servername: SERVICE_NAME,
    agent: false,
    headers: { 'content-length': 1_000 },
  });
  call.on('error', () => undefined);
  call.write('{');
  await once(call, 'socket');
  await until(() => call.socket?.bytesWritten !== 0 && call.socket?.connecting === false);
  await callWebhook(injector.port, api.caBundle(), reviewOf({}));
  call.destroy();
  await callWebhook(injector.port, api.caBundle(), reviewOf({}));
  t.notRegex(await injector.metricsPage(), /result="failed"/);
  t.notRegex(injector.lines.join(''), /"level":"error"/);
});

test('a pod of three megabytes is reviewed', async (t) => {
  const { ask } = await start(t);
  const pod = askingPod();
  const big = { ...pod, spec: { ...(pod['spec'] as object), more: 'x'.repeat(3 * 1024 * 1024) } };
  t.is((await ask(big)).patchType, 'JSONPatch');
});

test('certificates from files are served unchanged, and the API server is asked for its version only', async (t) => {
  const api = await startApiServer(t);
  api.aheadMs = 60 * 60_000;
  const { cert, key } = await makeTestCertificate('given');
  const folder = temporaryFolder(t);
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const injector = await startTestInjector(t, api, {
    env: { WECHAT_SIDECAR_TLS_CERT_FILE: certFile, WECHAT_SIDECAR_TLS_KEY_FILE: keyFile },
  });
  t.is(injector.problem(), undefined);
  // It is for an address, not for the Service, so the name is what fails, not the CA.
  await t.throwsAsync(handshake(injector.port, cert), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await until(() => api.requests.length > 0);
  t.deepEqual(api.requests, ['GET /version']);
  await until(() => /"behindSeconds":3(?:59|60)\d,"event":"clock differs/.test(injector.lines.join('')));
  t.regex(await injector.metricsPage(), /webhook_certificate_expires_timestamp_seconds \d/);
});
