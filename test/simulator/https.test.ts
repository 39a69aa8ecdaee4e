import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';

test('https is served with a throw-away certificate for every name of the platform', async (t) => {
  const {
    origin,
    port,
    certificatePem: ca,
  } = await startSimulator(t, { https: true, knobs: { requireHttps: true } });
  const shown = await ask(`${origin}/__sim/certificate`, { ca });
  t.is(shown.body.toString(), ca);
  for (const host of ['localhost', '127.0.0.1']) {
    t.is((await ask(`https://${host}:${port}/nowhere`, { ca })).json().errcode, 40066);
  }
  const certificate = new X509Certificate(ca);
  for (const name of [
    'localhost',
    'api.weixin.qq.com',
    'api2.weixin.qq.com',
    'sh.api.weixin.qq.com',
    'hk.api.weixin.qq.com',
  ]) {
    t.is(certificate.checkHost(name), name);
  }
  t.is(certificate.checkIP('::1'), '::1');
  t.is(certificate.checkHost('example.com'), undefined);
  await t.throwsAsync(ask(`${origin}/nowhere`), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('faults cut an encrypted connection too', async (t) => {
  const { origin, control, certificatePem: ca } = await startSimulator(t, { https: true });
  for (const kind of ['reset', 'resetAfterHeaders', 'truncated'] as const) {
    control.break({ path: '/x', times: 1, fault: { kind } });
    await t.throwsAsync(ask(`${origin}/x`, { ca }), undefined, kind);
  }
  t.true(control.arrivals().every((it) => it.encrypted && it.outcome === 'cut'));
});
