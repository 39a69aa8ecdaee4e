import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubernetesAccess } from '../../src/kubernetes/api.ts';
import { makeTestCertificate } from './certificates.ts';
import type { Teardown } from './simulator.ts';

export interface ReviewRequest {
  readonly path: string;
  readonly authorization: string;
  readonly token: string;
  readonly audiences: readonly string[];
}

export interface ReviewAnswer {
  readonly status?: number;
  /** The `status` of the TokenReview, or the whole body as text. */
  readonly review?: object;
  readonly text?: string;
}

export interface TestReviewServer {
  readonly access: KubernetesAccess;
  readonly reviews: ReviewRequest[];
  /** The most that were being answered at a time. */
  inFlightMax: number;
  /** Decides each review. */
  decide: (asked: ReviewRequest) => ReviewAnswer | Promise<ReviewAnswer>;
}

/** A stand-in for the API server, over TLS, that reviews tokens as a test likes. */
export async function startReviewServer(t: Teardown): Promise<TestReviewServer> {
  const { cert, key } = await makeTestCertificate('kubernetes');
  let inFlight = 0;
  const server = createServer({ cert, key }, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { spec } = JSON.parse(text) as { spec: { token: string; audiences: string[] } };
      const asked = {
        path: request.url ?? '',
        authorization: request.headers.authorization ?? '',
        token: spec.token,
        audiences: spec.audiences,
      };
      made.reviews.push(asked);
      inFlight += 1;
      made.inFlightMax = Math.max(made.inFlightMax, inFlight);
      void Promise.resolve(made.decide(asked)).then(({ status = 201, review, text: words }) => {
        inFlight -= 1;
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(words ?? JSON.stringify({ kind: 'TokenReview', status: review }));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'service-account-'));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')];
  writeFileSync(tokenFile, 'the-token-of-the-hub\n');
  writeFileSync(caFile, cert);
  const { port } = server.address() as AddressInfo;
  const made: TestReviewServer = {
    access: { server: `https://127.0.0.1:${port}`, tokenFile, caFile },
    reviews: [],
    inFlightMax: 0,
    decide: () => ({ review: { authenticated: false } }),
  };
  return made;
}

/** What the API server says of a good token. */
export function genuine(username: string, audiences: readonly string[], pod = 'orders-1'): ReviewAnswer {
  const extra = { 'authentication.kubernetes.io/pod-name': [pod] };
  return { review: { authenticated: true, user: { username, extra }, audiences } };
}
