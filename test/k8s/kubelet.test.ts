import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { until } from '../support/hub-proxy.ts';
import { REPORTS_KEY, startTestHub } from '../support/hub.ts';
import { injected } from '../support/injection.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { freePort } from '../support/free-port.ts';
import { Kubelet, type PodSpec, type Running } from './support/kubelet.ts';

interface Scene {
  readonly kubelet: Kubelet;
  readonly simulator: RunningSimulator;
}

interface Part {
  readonly mode: 'native' | 'container';
  readonly graceSeconds?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly initContainers?: unknown[];
}

/** An injected pod with one business program, before a real hub and a simulated platform. */
async function prepare(
  t: ExecutionContext,
  { mode, graceSeconds = 30, env = {}, initContainers }: Part,
): Promise<Scene> {
  const simulator = await startSimulator(t);
  const hub = await startTestHub(t, [simulator.origin]);
  const token = join(temporaryFolder(t), 'token');
  writeFileSync(token, REPORTS_KEY);
  const [port, adminPort] = [await freePort(), await freePort()];
  const variables = { ADMIN: `http://127.0.0.1:${adminPort}`, ...env };
  const { pod } = injected(
    {
      metadata: { labels: { 'wechat-sidecar.io/inject': 'true' } },
      spec: {
        terminationGracePeriodSeconds: graceSeconds,
        ...(initContainers && { initContainers }),
        containers: [
          {
            name: 'app',
            image: 'business',
            env: Object.entries(variables).map(([name, value]) => ({ name, value })),
          },
        ],
      },
    },
    { mode, image: 'sidecar', port, adminPort, hubUrls: [hub.base], upstreams: [simulator.origin] },
  );
  const kubelet = new Kubelet(t, pod as PodSpec, { '/var/run/secrets/wechat-sidecar/token': token });
  return { kubelet, simulator };
}

function find(kubelet: Kubelet, name: string): Running {
  const found = [...kubelet.sidecars, ...kubelet.containers].find((running) => running.name === name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
}

function failures({ lines }: Running): unknown[] {
  return lines.filter((line) => 'failed' in line).map((line) => line['failed']);
}

function goodCalls({ lines }: Running): number {
  return Number(lines.find((line) => 'good' in line)?.['good'] ?? 0);
}

async function untilCalling(app: Running, times: number): Promise<void> {
  await until(() => app.lines.filter((line) => 'called' in line).length >= times);
}

for (const mode of ['native', 'container'] as const) {
  test.serial(`${mode}: no call is refused or cut off, from the first to the last`, async (t) => {
    const env = { AFTER_MS: '1500' };
    const { kubelet, simulator } = await prepare(t, { mode, graceSeconds: 9, env });
    // Each call takes a while, so that several are always in flight.
    simulator.control.delay({ path: '/cgi-bin/getcallbackip', ms: 150 });
    await kubelet.start();
    const [app, sidecar] = [find(kubelet, 'app'), find(kubelet, 'wechat-sidecar')];
    await untilCalling(app, 12);
    await kubelet.stop();
    const [appEnd, sidecarEnd] = [await app.ended, await sidecar.ended];
    t.deepEqual(failures(app), []);
    t.true(goodCalls(app) > 30, `${goodCalls(app)} calls`);
    t.like(appEnd, { code: 0 });
    t.like(sidecarEnd, { code: 0 });
    t.true(sidecarEnd.atMs >= appEnd.atMs);
    t.is(sidecar.lines.find((line) => line['event'] === 'stopped')?.['callsCut'], 0);
  });

  test.serial(`${mode}: a long call that begins before the stop gets its response`, async (t) => {
    const { kubelet, simulator } = await prepare(t, { mode, graceSeconds: 9, env: { WAY: 'long' } });
    simulator.control.delay({ path: '/cgi-bin/getcallbackip', ms: 3_000 });
    await kubelet.start();
    const app = find(kubelet, 'app');
    await until(() => simulator.control.arrivals({ path: '/cgi-bin/getcallbackip' }).length > 0);
    await kubelet.stop();
    t.deepEqual(failures(app), []);
    t.is(goodCalls(app), 1);
    t.like(await find(kubelet, 'wechat-sidecar').ended, { code: 0 });
  });

  test.serial(
    `${mode}: an application that does not stop is served to the end of its grace period`,
    async (t) => {
      const { kubelet } = await prepare(t, { mode, graceSeconds: 7, env: { WAY: 'deaf' } });
      await kubelet.start();
      const [app, sidecar] = [find(kubelet, 'app'), find(kubelet, 'wechat-sidecar')];
      await untilCalling(app, 3);
      const tookMs = await kubelet.stop();
      t.like(await app.ended, { signal: 'SIGKILL' });
      t.like(await sidecar.ended, { code: 0 });
      t.true(tookMs >= 6_900 && tookMs < 10_000, `${tookMs} ms`);
      // A plain container cannot see that somebody calls on; it stops while there is time to end in good order.
      if (mode === 'native') t.deepEqual(failures(app), []);
    },
  );
}

test.serial(
  'native: an init container can call, and a Job is complete when its own container is',
  async (t) => {
    const initContainers = [{ name: 'migrate', image: 'business', env: [{ name: 'WAY', value: 'once' }] }];
    const { kubelet } = await prepare(t, { mode: 'native', env: { WAY: 'once' }, initContainers });
    await kubelet.start();
    await kubelet.untilComplete();
    t.deepEqual(kubelet.inits.map(goodCalls), [1]);
    t.is(goodCalls(find(kubelet, 'app')), 1);
    t.like(await find(kubelet, 'wechat-sidecar').ended, { code: 0 });
  },
);

test.serial(
  'container: a Job that stops the sidecar is complete immediately, with exit code 0',
  async (t) => {
    const { kubelet } = await prepare(t, { mode: 'container', env: { WAY: 'quit' } });
    await kubelet.start();
    const startMs = performance.now();
    await kubelet.untilComplete();
    const [app, sidecar] = [find(kubelet, 'app'), find(kubelet, 'wechat-sidecar')];
    t.is(goodCalls(app), 1);
    t.like(await sidecar.ended, { code: 0 });
    // It does not wait for last calls, as it does for 25 s when a signal stops it.
    t.true(performance.now() - startMs < 15_000);
  },
);
