import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { CONFIGURATION_PATH, refusal, SECRET_PATH, startApiServer } from '../support/api-server.ts';
import { until } from '../support/hub-proxy.ts';
import { handshake, QUICK_POLICY, startTestInjector } from '../support/injector.ts';

const HOUR_MS = 3_600_000;

test('the first injector creates a certificate, shares it, and publishes its CA to the API server', async (t) => {
  const api = await startApiServer(t);
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem() === undefined);
  t.truthy(await handshake(injector.port, api.caBundle()));
  const data = api.object(SECRET_PATH)['data'] as Record<string, string>;
  t.deepEqual(Object.keys(data).toSorted(), ['ca.crt', 'tls.crt', 'tls.key']);
  t.notRegex(Buffer.from(data['ca.crt'] ?? '', 'base64').toString(), /PRIVATE KEY/);
  const page = await injector.metricsPage();
  t.regex(page, /wechat_sidecar_webhook_certificate_expires_timestamp_seconds 1\.\d+e\+9|\d{10}/);
  t.regex(page, /wechat_sidecar_webhook_trust_repairs_total 0/);
  t.notRegex(injector.lines.join(''), /PRIVATE KEY|the-token-of-the-injector/);
});

test('if two injectors start at once, one wins and both serve its certificate', async (t) => {
  const api = await startApiServer(t);
  // Both read the empty Secret before either one writes.
  let reads = 0;
  let open = (): void => undefined;
  const bothRead = new Promise<void>((resolve) => (open = resolve));
  api.intercept = async (method, path) => {
    if (method === 'GET' && path === SECRET_PATH && (reads += 1) === 2) open();
    if (method === 'PUT') await bothRead;
    return undefined;
  };
  const [one, two] = await Promise.all([startTestInjector(t, api), startTestInjector(t, api)]);
  await until(() => one.problem() === undefined && two.problem() === undefined);
  t.true(api.conflicts >= 1);
  t.is(api.requests.filter((request) => request === `PUT ${SECRET_PATH}`).length, 2);
  t.is(await handshake(one.port, api.caBundle()), await handshake(two.port, api.caBundle()));
});

test('an injector that starts later uses the existing certificate and changes nothing', async (t) => {
  const api = await startApiServer(t);
  const first = await startTestInjector(t, api);
  await until(() => first.problem() === undefined);
  const before = api.requests.length;
  const later = await startTestInjector(t, api);
  await until(() => later.problem() === undefined);
  t.is(await handshake(later.port, api.caBundle()), await handshake(first.port, api.caBundle()));
  t.deepEqual(
    api.requests.slice(before).filter((request) => !request.startsWith('GET')),
    [],
  );
});

test('a removed caBundle is restored at once and counted', async (t) => {
  const api = await startApiServer(t);
  // The periodic pass is every ten minutes, so an earlier repair is due to the watch.
  const policy = { ...QUICK_POLICY, checkEveryMs: 600_000 };
  const injector = await startTestInjector(t, api, { policy });
  await until(() => injector.problem() === undefined);
  const bundle = api.caBundle();
  for (const [count, to] of [undefined, Buffer.from('nonsense').toString('base64')].entries()) {
    api.revertCaBundle(to);
    await until(() => api.caBundle() === bundle);
    await until(async () =>
      (await injector.metricsPage()).includes(`wechat_sidecar_webhook_trust_repairs_total ${count + 1}`),
    );
  }
  t.is(injector.problem(), undefined);
  t.regex(injector.lines.join(''), /caBundle of the webhook configuration was changed/);
});

test('without a watch the caBundle is restored by the next periodic pass', async (t) => {
  const api = await startApiServer(t);
  api.intercept = (method, path) =>
    method === 'GET' && !path.endsWith('/wechat-sidecar-injector') && path.includes('webhookconfigurations')
      ? refusal(403, 'Forbidden')
      : undefined;
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem() === undefined);
  api.revertCaBundle();
  await until(() => api.caBundle() !== '');
  t.truthy(await handshake(injector.port, api.caBundle()));
});

test('a watch that ended is restarted', async (t) => {
  const api = await startApiServer(t);
  const injector = await startTestInjector(t, api, { policy: { ...QUICK_POLICY, checkEveryMs: 600_000 } });
  await until(() => injector.problem() === undefined);
  api.endWatches();
  api.revertCaBundle();
  await until(() => api.caBundle() !== '');
  t.pass();
});

test('while the API server fails, the injector is not ready and says why; then it recovers', async (t) => {
  const api = await startApiServer(t);
  api.intercept = () => refusal(503, 'ServiceUnavailable', 'etcd is unavailable');
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem()?.includes('503 ServiceUnavailable): etcd is unavailable') === true);
  api.intercept = () => undefined;
  await until(() => injector.problem() === undefined);
  // An injector that has been reachable stays ready: a failed pass changes nothing for API servers.
  api.intercept = () => refusal(503, 'ServiceUnavailable');
  const seen = injector.lines.length;
  await until(() => injector.lines.slice(seen).join('').includes('certificate maintenance failed'));
  t.is(injector.problem(), undefined);
});

test('a missing Secret or webhook configuration is named in the problem', async (t) => {
  const api = await startApiServer(t);
  api.remove(SECRET_PATH);
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem()?.includes('Secret wechat-sidecar-injector-certificate') === true);
  api.remove(CONFIGURATION_PATH);
  await until(() => injector.problem()?.includes('configuration wechat-sidecar-injector: the API') === true);
  t.pass();
});

test('a damaged Secret is replaced, and so is one for another name', async (t) => {
  const api = await startApiServer(t);
  api.put(SECRET_PATH, {
    metadata: { name: 'wechat-sidecar-injector-certificate' },
    data: { 'ca.crt': 'bm9uc2Vuc2U=', 'tls.crt': 'bm9uc2Vuc2U=', 'tls.key': 'bm9uc2Vuc2U=' },
  });
  const other = await startTestInjector(t, api, { env: { WECHAT_INJECTOR_SERVICE: 'another-name' } });
  await until(() => other.problem() === undefined);
  await t.throwsAsync(handshake(other.port, api.caBundle()), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await other.role.drain({ delayMs: 0, timeoutMs: 0 });
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem() === undefined);
  t.truthy(await handshake(injector.port, api.caBundle()));
});

for (const [what, aheadMs] of [
  ['ahead', -8 * HOUR_MS],
  ['a month behind', 31 * 24 * HOUR_MS],
] as const) {
  test(`a local clock that is ${what} is detected, and certificates use the API server's time`, async (t) => {
    const api = await startApiServer(t);
    api.aheadMs = aheadMs;
    const injector = await startTestInjector(t, api);
    await until(() => injector.problem() === undefined);
    const data = api.object(SECRET_PATH)['data'] as Record<string, string>;
    const { validFrom } = new X509Certificate(Buffer.from(data['tls.crt'] ?? '', 'base64'));
    const sinceMs = Date.now() + aheadMs - Date.parse(validFrom);
    t.true(sinceMs > 0 && sinceMs < 2 * HOUR_MS, `${sinceMs} ms`);
    await until(() => injector.lines.join('').includes("clock differs from the API server's"));
    const told = injector.lines.filter((line) => line.includes('clock differs'));
    t.is(told.length, 1);
    t.regex(told[0] ?? '', aheadMs < 0 ? /"aheadSeconds":2(?:8799|880\d)/ : /"behindSeconds":2678[34]\d\d/);
    api.aheadMs = 0;
    await until(() => injector.lines.join('').includes("agrees with the API server's again"));
  });
}

test('a certificate from the future in the Secret is replaced at once', async (t) => {
  const api = await startApiServer(t);
  api.aheadMs = 8 * HOUR_MS;
  const ahead = await startTestInjector(t, api);
  await until(() => ahead.problem() === undefined);
  await ahead.role.drain({ delayMs: 0, timeoutMs: 0 });
  api.aheadMs = 0;
  await t.throwsAsync(handshake(ahead.port, api.caBundle()));
  const injector = await startTestInjector(t, api);
  await until(() => injector.problem() === undefined);
  t.truthy(await handshake(injector.port, api.caBundle()));
});

test('two injectors renew certificates under load without one failed handshake', async (t) => {
  const api = await startApiServer(t);
  // A successor is due one second after a certificate is made, and there is half a minute left to publish
  // it.
  const policy = { lifeMs: 40_000, renewBeforeMs: 39_000, settleMs: 700, checkEveryMs: 200 };
  const injectors = await Promise.all([
    startTestInjector(t, api, { policy }),
    startTestInjector(t, api, { policy }),
  ]);
  await until(() => injectors.every((injector) => injector.problem() === undefined));
  const seen = new Set<string>();
  // API servers notice a new caBundle with a delay: this one uses the bundle of half a second ago.
  const bundles = [{ atMs: performance.now(), pem: api.caBundle() }];
  let handshakes = 0;
  while (seen.size < 4) {
    bundles.push({ atMs: performance.now(), pem: api.caBundle() });
    while ((bundles[1]?.atMs ?? Infinity) < performance.now() - 500) bundles.shift();
    for (const { port } of injectors) seen.add(await handshake(port, bundles[0]?.pem ?? ''));
    handshakes += 2;
  }
  t.true(handshakes >= 12, `${handshakes} handshakes`);
  const bundled = api.caBundle().match(/BEGIN CERTIFICATE/g)?.length ?? 0;
  t.true(bundled >= 2 && bundled <= 3, `${bundled} authorities`);
});
