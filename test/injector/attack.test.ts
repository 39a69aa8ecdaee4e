import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { parseAllDocuments } from 'yaml';
import { makeTestCertificate } from '../support/certificates.ts';
import { askingPod } from '../support/injection.ts';
import { callWebhook, reviewOf } from '../support/injector.ts';
import { MIB, peakBytes } from '../support/memory.ts';
import { RoleProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ATTACK_MS = 6_000;
/** Of the webhook configuration: an API server waits no longer. */
const ANSWER_MS_MAX = 5_000;
const LARGE = 4 * MIB - 1_000;

interface Target {
  readonly role: RoleProcess;
  readonly cert: string;
}

async function start(t: ExecutionContext): Promise<Target> {
  const { cert, key } = await makeTestCertificate('wechat-sidecar-injector.wechat-sidecar.svc');
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'tls.crt'), cert);
  writeFileSync(join(folder, 'tls.key'), key);
  const role = new RoleProcess(t, 'injector', {
    env: {
      WECHAT_INJECTOR_IMAGE: 'wechat-sidecar:1',
      WECHAT_SIDECAR_TLS_CERT_FILE: join(folder, 'tls.crt'),
      WECHAT_SIDECAR_TLS_KEY_FILE: join(folder, 'tls.key'),
      WECHAT_SIDECAR_LOG_LEVEL: 'info',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: '1',
    },
  });
  return { role: await role.untilServing(), cert };
}

/** What the manifest lets the injector have. */
function memoryLimitBytes(): number {
  const limits = parseAllDocuments(readFileSync('k8s/base/injector.yaml', 'utf8')).flatMap((document) => {
    const { kind, spec } = document.toJS() as {
      kind: string;
      spec: { template: { spec: { containers: { resources: { limits: { memory: string } } }[] } } };
    };
    return kind === 'Deployment' ? spec.template.spec.containers[0]?.resources.limits.memory : [];
  });
  return Number(/^(\d+)Mi$/.exec(String(limits[0]))?.[1]) * MIB;
}

function bodies(): readonly string[] {
  const more = (value: unknown): string => JSON.stringify(reviewOf({ ...askingPod(), more: value }));
  const many = (count: number, of: (n: number) => unknown): unknown[] =>
    Array.from({ length: count }, (_, n) => of(n));
  const annotations = Object.fromEntries(many(12_000, (n) => [`wechat-sidecar.io/k${String(n)}`, 'v']) as []);
  return [
    `[${'{},'.repeat(LARGE / 3)}{}]`,
    more('x'.repeat(LARGE - 1_000)),
    more('中'.repeat((LARGE - 1_000) / 3)),
    more(many(1_200_000, () => ({}))),
    more(many(20_000, () => ({}))),
    more(many(12_000, (n) => ({ [`k${n}`]: n }))),
    `{"kind":"AdmissionReview",${'['.repeat(LARGE - 100)}`,
    JSON.stringify(reviewOf(askingPod(annotations))),
    JSON.stringify(
      reviewOf({
        ...askingPod({ 'wechat-sidecar.io/transparent': 'true' }),
        spec: { containers: many(240, () => ({})) },
      }),
    ),
    JSON.stringify(reviewOf({ ...askingPod(), spec: { containers: many(16_000, () => ({})) } })),
  ];
}

/** Everything at once: large and costly bodies, silent and half-open connections, bodies and answers that stand still. */
async function attack(t: ExecutionContext, { role, cert }: Target, isOver: () => boolean): Promise<void> {
  const { port } = role;
  const keep = (socket: ReturnType<typeof connectTcp>): void => {
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
  };
  const secure = (text: string, reads: boolean): void => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: cert }, () => socket.write(text));
    if (reads) socket.resume();
    keep(socket);
  };
  const all = bodies();
  const answered = all.at(-2) ?? '';
  const post = (length: number): string =>
    `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
  const stand = async (): Promise<void> => {
    while (!isOver()) {
      for (let n = 0; n < 20; n += 1) keep(connectTcp(port, '127.0.0.1').resume());
      secure(`POST /inject HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(12_000)}`, true);
      secure(post(LARGE) + (all[1] ?? '').slice(0, 500_000), true);
      secure((post(answered.length) + answered).repeat(3), false);
      await pause(100);
    }
  };
  const send = async (n: number): Promise<void> => {
    for (let next = n; !isOver(); next += 1) {
      await callWebhook(port, cert, all[next % all.length]).catch(() => undefined);
      await pause(250);
    }
  };
  await Promise.all([stand(), ...Array.from({ length: 4 }, (_, n) => send(n))]);
}

test('under attack from all sides the injector answers an API server, within the memory of its manifest', async (t) => {
  const target = await start(t);
  const endsMs = performance.now() + ATTACK_MS;
  const attacked = attack(t, target, () => performance.now() > endsMs);
  let answers = 0;
  while (performance.now() < endsMs) {
    const askedMs = performance.now();
    const { status, text } = await callWebhook(target.role.port, target.cert, reviewOf(askingPod()));
    t.is(status, 200);
    t.regex(text, /"patch":"/);
    t.true(performance.now() - askedMs < ANSWER_MS_MAX);
    answers += 1;
    await pause(20);
  }
  await attacked;
  const [peak, limit] = [peakBytes(target.role.pid), memoryLimitBytes()];
  t.log(`${answers} answers, at most ${Math.round(peak / MIB)} MiB`);
  t.true(limit > 0 && peak < limit, `${Math.round(peak / MIB)} MiB of ${limit / MIB}`);
  t.true(target.role.running);
});

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
