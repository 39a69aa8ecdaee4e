import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeTestCertificate } from '../support/certificates.ts';
import { askingPod } from '../support/injection.ts';
import { callWebhook, reviewOf } from '../support/injector.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { limitOfManifest, startWithin, withstand } from './arena.ts';
import { probe } from './honest.ts';

const ATTACK_MS = 15_000;

test('under attack, the injector keeps serving the API server and the kubelet within the memory limit of its manifest', async (t) => {
  t.timeout(120_000);
  const { cert, certFile, keyFile } = await certificate(t);
  const target = await startWithin(t, 'injector', limitOfManifest('k8s/base/injector.yaml'), {
    env: {
      WECHAT_INJECTOR_IMAGE: 'wechat-sidecar:1',
      WECHAT_SIDECAR_TLS_CERT_FILE: certFile,
      WECHAT_SIDECAR_TLS_KEY_FILE: keyFile,
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: '1',
    },
  });
  const { role } = target;
  await withstand(t, {
    target,
    forMs: ATTACK_MS,
    caFile: certFile,
    addresses: ['127.0.0.2', '127.0.0.3', '127.0.0.4'],
    attacks: [
      'bodies',
      'halfBodies',
      'unreadAnswers',
      'silent',
      'halfHeads',
      'tinyHeaders',
      'slowBytes',
      'bigHeads',
      'halfHellos',
      'adminSilent',
      'adminHalfHeads',
      'adminPages',
    ],
    honest: {
      async admission() {
        const { status, text } = await callWebhook(role.port, cert, reviewOf(askingPod()));
        t.is(status, 200);
        t.regex(text, /"patch":"/);
      },
      probe: () => probe(t, role),
    },
  });
});

async function certificate(
  t: ExecutionContext,
): Promise<{ cert: string; certFile: string; keyFile: string }> {
  const { cert, key } = await makeTestCertificate('wechat-sidecar-injector.wechat-sidecar.svc');
  const folder = temporaryFolder(t);
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  return { cert, certFile, keyFile };
}
