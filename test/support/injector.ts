import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { systemClock } from '../../src/base/clock.ts';
import { makeLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { RunningRole } from '../../src/roles/role.ts';
import { parseSettings } from '../../src/settings/parse.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { startInjector } from '../../src/roles/injector.ts';
import type { CertificatePolicy } from '../../src/injector/certificate-plan.ts';
import { makeMetrics } from '../../src/server/metrics.ts';
import type { StandInApiServer } from './api-server.ts';
import type { Teardown } from './simulator.ts';

/** The name by which an API server calls the webhook, and which its certificate must be for. */
export const SERVICE_NAME = 'wechat-sidecar-injector.wechat-sidecar.svc';

/** Certificates that live for minutes, with everything looked at often. */
export const QUICK_POLICY: CertificatePolicy = {
  lifeMs: 120_000,
  renewBeforeMs: 60_000,
  settleMs: 300,
  checkEveryMs: 300,
};

export interface RunningInjector {
  readonly port: number;
  readonly role: RunningRole;
  readonly lines: string[];
  metricsPage(): Promise<string>;
  /** Why it is not ready. */
  problem(): string | undefined;
  /** Goes on with these variables beside those that it needs. */
  reconfigure(env: Record<string, string>): void;
}

export async function startTestInjector(
  t: Teardown,
  api: Pick<StandInApiServer, 'origin' | 'files'>,
  { env = {}, policy = QUICK_POLICY }: { env?: Record<string, string>; policy?: CertificatePolicy } = {},
): Promise<RunningInjector> {
  const lines: string[] = [];
  const metrics = makeMetrics({ version: '0.0.0-test', role: 'injector', node: process.version });
  const role = await startInjector(
    settingsFor(api, env),
    {
      version: '0.0.0-test',
      clock: systemClock,
      random: systemRandom,
      log: makeLog('debug', systemClock, (line) => lines.push(line)),
      metrics,
    },
    api.files,
    policy,
  );
  t.teardown(() => role.drain({ delayMs: 0, timeoutMs: 0 }));
  return {
    port: role.port,
    role,
    lines,
    metricsPage: () => metrics.page(),
    problem: () => role.ready[0]?.run(),
    reconfigure: (next) => role.reconfigure(settingsFor(api, next)),
  };
}

function settingsFor(api: Pick<StandInApiServer, 'origin'>, env: Record<string, string>): Settings {
  const { hostname, port } = new URL(api.origin);
  const parsed = parseSettings({
    env: {
      WECHAT_INJECTOR_IMAGE: 'registry.example.com/wechat-sidecar:0.1.0',
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      ...env,
    },
    role: 'injector',
    readFile: () => '',
  });
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

/** The serial number of the certificate that a new connection is shown; rejects where `ca` does not vouch for it. */
export function handshake(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', servername: SERVICE_NAME, ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

export interface WebhookReply {
  readonly status: number;
  readonly text: string;
}

/** One call as an API server makes it, on a connection of its own. */
export function callWebhook(
  port: number,
  ca: string,
  body: unknown,
  { path = '/inject?timeout=5s', method = 'POST' } = {},
): Promise<WebhookReply> {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      ca,
      servername: SERVICE_NAME,
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': bytes.length },
    });
    call.once('error', reject);
    call.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    call.end(bytes);
  });
}

export function reviewOf(object: unknown, more: Record<string, unknown> = {}): unknown {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'b1a1',
      operation: 'CREATE',
      namespace: 'shop',
      resource: { group: '', version: 'v1', resource: 'pods' },
      object,
      ...more,
    },
  };
}
