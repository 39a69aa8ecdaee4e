import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import jsonPatch from 'fast-json-patch';
import type { IN_CLUSTER_FILES } from '../../src/kubernetes/api.ts';
import { makeTestCertificate } from './certificates.ts';
import type { Teardown } from './simulator.ts';
import { temporaryFolder } from './temporary.ts';

type Stored = { metadata: { name: string; resourceVersion?: string }; [field: string]: unknown };
type Answer = { readonly status: number; readonly body: unknown };
/** Called before a request is answered; what it returns is answered instead. */
type Intercept = (method: string, path: string) => Promise<Answer | undefined> | Answer | undefined;

export const SECRET_PATH = '/api/v1/namespaces/wechat-sidecar/secrets/wechat-sidecar-injector-certificate';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
export const CONFIGURATION_PATH = `${CONFIGURATIONS}/wechat-sidecar-injector`;
const TOKEN = 'the-token-of-the-injector';

/** A stand-in for a Kubernetes API server over TLS: objects by path, versions, conflicts, patches and watches. */
export class StandInApiServer {
  readonly files: typeof IN_CLUSTER_FILES;
  readonly #server: Server;
  readonly #objects = new Map<string, Stored>();
  readonly #watchers = new Set<{ name: string; response: ServerResponse }>();
  /** Every request, as `PUT /api/…`, without those for a watch. */
  readonly requests: string[] = [];
  conflicts = 0;
  intercept: Intercept = () => undefined;
  /** Its clock, as the header Date tells it. */
  aheadMs = 0;
  #version = 100;

  constructor(server: Server, files: typeof IN_CLUSTER_FILES) {
    this.#server = server;
    this.files = files;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#serve(request, response);
    });
  }

  get origin(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(path: string, object: Stored): void {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#objects.set(path, stored);
    for (const { name, response } of this.#watchers) {
      if (name === stored.metadata.name)
        response.write(`${JSON.stringify({ type: 'MODIFIED', object: stored })}\n`);
    }
  }

  object(path: string): Stored {
    const object = this.#objects.get(path);
    if (object === undefined) throw new Error(`There is no ${path}`);
    return object;
  }

  remove(path: string): void {
    this.#objects.delete(path);
  }

  /** What an API server verifies the webhook with, in PEM. */
  caBundle(): string {
    return Buffer.from(this.#bundles()[0] ?? '', 'base64').toString();
  }

  /** As somebody's deployment tool does it, which knows of no caBundle. */
  revertCaBundle(to?: string): void {
    const configuration = structuredClone(this.object(CONFIGURATION_PATH)) as Stored & {
      webhooks: { clientConfig: { caBundle?: string } }[];
    };
    for (const { clientConfig } of configuration.webhooks) {
      if (to === undefined) delete clientConfig.caBundle;
      else clientConfig.caBundle = to;
    }
    this.put(CONFIGURATION_PATH, configuration);
  }

  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #bundles(): string[] {
    const { webhooks } = this.object(CONFIGURATION_PATH) as unknown as {
      webhooks: { clientConfig: { caBundle?: string } }[];
    };
    return webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? '');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('date', new Date(Date.now() + this.aheadMs).toUTCString());
    const { pathname: path, searchParams } = new URL(request.url ?? '', 'https://stand-in');
    const method = request.method ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const isWatch = searchParams.get('watch') === '1';
    if (!isWatch) this.requests.push(`${method} ${path}`);
    const instead = await this.intercept(method, path);
    if (instead !== undefined) return answer(response, instead);
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return answer(response, refusal(401, 'Unauthorized'));
    if (isWatch) return this.#watch(response, searchParams.get('fieldSelector') ?? '');
    const body = Buffer.concat(chunks).toString();
    answer(response, this.#act(method, path, body === '' ? undefined : JSON.parse(body)));
  }

  #act(method: string, path: string, body: unknown): Answer {
    if (path === '/version') return this.versionAnswer;
    const object = this.#objects.get(path);
    if (object === undefined) return refusal(404, 'NotFound', `${path} not found`);
    if (method === 'GET') return { status: 200, body: object };
    let next = body as Stored;
    if (method === 'PATCH') {
      const operations = body as jsonPatch.Operation[];
      next = jsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
    }
    if (
      (next.metadata.resourceVersion ?? object.metadata.resourceVersion) !== object.metadata.resourceVersion
    ) {
      this.conflicts += 1;
      return refusal(409, 'Conflict', 'the object has been modified');
    }
    this.put(path, next);
    return { status: 200, body: this.object(path) };
  }

  versionAnswer: Answer = { status: 200, body: { major: '1', minor: '34+' } };

  #watch(response: ServerResponse, selector: string): void {
    const name = selector.replace('metadata.name=', '');
    const watcher = { name, response };
    response.writeHead(200, { 'content-type': 'application/json' });
    for (const object of this.#objects.values()) {
      if (object.metadata.name === name) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    }
    this.#watchers.add(watcher);
    response.once('close', () => this.#watchers.delete(watcher));
  }
}

/** With the objects that the manifests make: an empty Secret, and a configuration without a caBundle. */
export async function startApiServer(t: Teardown): Promise<StandInApiServer> {
  const { cert, key } = await makeTestCertificate('api.test');
  const folder = temporaryFolder(t);
  const files = { tokenFile: join(folder, 'token'), caFile: join(folder, 'ca.crt') };
  writeFileSync(files.tokenFile, `${TOKEN}\n`);
  writeFileSync(files.caFile, cert);
  const server = createServer({ cert, key });
  const standIn = new StandInApiServer(server, files);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => standIn.close());
  standIn.put(SECRET_PATH, { metadata: { name: 'wechat-sidecar-injector-certificate' }, type: 'Opaque' });
  standIn.put(CONFIGURATION_PATH, {
    metadata: { name: 'wechat-sidecar-injector' },
    webhooks: [
      {
        name: 'inject.wechat-sidecar.io',
        clientConfig: {
          service: { name: 'wechat-sidecar-injector', namespace: 'wechat-sidecar', path: '/inject' },
        },
      },
    ],
  });
  return standIn;
}

export function refusal(status: number, reason: string, message = reason): Answer {
  return { status, body: { kind: 'Status', status: 'Failure', reason, message, code: status } };
}

function answer(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}
