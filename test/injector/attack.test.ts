import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

const ATTACKER = fileURLToPath(new URL('../support/injector-attacker.js', import.meta.url));

interface Target {
  readonly role: RoleProcess;
  readonly cert: string;
  readonly certFile: string;
}

async function start(t: ExecutionContext): Promise<Target> {
  const { cert, key } = await makeTestCertificate('wechat-sidecar-injector.wechat-sidecar.svc');
  const folder = temporaryFolder(t);
  const certFile = join(folder, 'tls.crt');
  writeFileSync(certFile, cert);
  writeFileSync(join(folder, 'tls.key'), key);
  const role = new RoleProcess(t, 'injector', {
    env: {
      WECHAT_INJECTOR_IMAGE: 'wechat-sidecar:1',
      WECHAT_SIDECAR_TLS_CERT_FILE: certFile,
      WECHAT_SIDECAR_TLS_KEY_FILE: join(folder, 'tls.key'),
      WECHAT_SIDECAR_LOG_LEVEL: 'info',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: '1',
    },
  });
  return { role: await role.untilServing(), cert, certFile };
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

test('under attack from all sides the injector answers an API server, within the memory of its manifest', async (t) => {
  const target = await start(t);
  const attacker = fork(ATTACKER, [String(target.role.port), target.certFile, String(ATTACK_MS)]);
  t.teardown(() => attacker.kill('SIGKILL'));
  const attacked = once(attacker, 'exit');
  let answers = 0;
  while (attacker.exitCode === null) {
    const askedMs = performance.now();
    const { status, text } = await callWebhook(target.role.port, target.cert, reviewOf(askingPod()));
    t.is(status, 200);
    t.regex(text, /"patch":"/);
    t.true(performance.now() - askedMs < ANSWER_MS_MAX);
    answers += 1;
    await pause(20);
  }
  t.deepEqual(await attacked, [0, null]);
  const [peak, limit] = [peakBytes(target.role.pid), memoryLimitBytes()];
  t.log(`${answers} answers, at most ${Math.round(peak / MIB)} MiB`);
  t.true(limit > 0 && peak < limit, `${Math.round(peak / MIB)} MiB of ${limit / MIB}`);
  t.true(target.role.running);
});

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
