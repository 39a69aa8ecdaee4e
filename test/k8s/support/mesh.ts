import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeTestCertificate } from '../../support/certificates.ts';
import type { Teardown } from '../../support/simulator.ts';

/** Another injector, which adds a container to each pod that it is shown. */
export async function startMesh(t: Teardown): Promise<{ readonly url: string; readonly cert: string }> {
  const { cert, key } = await makeTestCertificate('mesh');
  const patch = [{ op: 'add', path: '/spec/containers/-', value: { name: 'mesh', image: 'mesh:1' } }];
  const server = createServer({ cert, key }, (request, response) => {
    void readJson(request).then((review) => {
      const { uid } = (review as { request: { uid: string } }).request;
      const answer = {
        uid,
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, cert };
}

export function meshWebhook(url: string, cert: string): unknown {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'zz-mesh' },
    webhooks: [
      {
        name: 'mesh.example.com',
        admissionReviewVersions: ['v1'],
        clientConfig: { url, caBundle: Buffer.from(cert).toString('base64') },
        objectSelector: { matchLabels: { mesh: 'true' } },
        sideEffects: 'None',
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
      },
    ],
  };
}

async function readJson(stream: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}
