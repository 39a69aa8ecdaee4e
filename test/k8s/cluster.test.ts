import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { startTestHub } from '../support/hub.ts';
import { until } from '../support/hub-proxy.ts';
import { type RunningInjector, startTestInjector } from '../support/injector.ts';
import { startSimulator, type Teardown } from '../support/simulator.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { chartOf, CHOICES } from './support/chart.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { meshWebhook, startMesh } from './support/mesh.ts';
import { type Manifest, podNamed, podOfExample } from './support/pods.ts';
import { CUSTOM_DEFINITIONS, missingTools } from './support/tools.ts';

const missing = missingTools('kube-apiserver', 'etcd', 'kubectl');
const inCluster = missing === undefined ? test.serial : test.serial.skip;
const because = missing === undefined ? '' : ` (skipped: ${missing})`;

interface Container {
  name: string;
  restartPolicy?: string;
  env?: { name: string; value?: string }[];
  resources?: Resources;
}
interface Pod {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    containers: Container[];
    initContainers?: Container[];
    volumes?: { name: string }[];
    imagePullSecrets?: { name: string }[];
    resources?: Resources;
  };
  status: { qosClass: string };
}
interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

const INJECT = { labels: { 'wechat-sidecar.io/inject': 'true' } };
const cleanUps: (() => unknown)[] = [];
/** For what lives as long as the cluster. */
const whole: Teardown = { teardown: (run) => void cleanUps.push(run) };
let cluster: Cluster;
let injector: RunningInjector;

if (missing === undefined) {
  test.before('a cluster accepts the base, and one injector runs here', async () => {
    cluster = await startCluster();
    cleanUps.push(() => cluster.stop());
    if (CUSTOM_DEFINITIONS !== undefined) {
      await cluster.must(['apply', '--server-side', '-f', CUSTOM_DEFINITIONS]);
      await cluster.must(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
    }
    await cluster.must(['apply', '--server-side', '--validate=strict', '-k', 'k8s/base']);
    for (const namespace of ['default', 'shop', 'kube-system']) await makeNamespace(namespace);
    injector = await startInjectorHere(whole);
    await until(async () => (await created(podNamed('probe', INJECT))).spec.initContainers !== undefined);
  });
  test.after.always(async () => {
    for (const run of cleanUps.toReversed()) await run();
  });
}

/** No controller makes service accounts here, and without one no pod is admitted. */
async function makeNamespace(name: string): Promise<void> {
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        labels: { 'pod-security.kubernetes.io/enforce': name === 'shop' ? 'restricted' : 'privileged' },
      },
    },
    ...['default', 'orders'].map((account) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: account, namespace: name },
    })),
  ];
  for (const object of objects)
    await cluster.must(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
}

/** With the rights of its own service account, reached by the name of its Service as in a cluster. */
async function startInjectorHere(t: Teardown): Promise<RunningInjector> {
  const files = await accountFiles('wechat-sidecar-injector');
  const started = await startTestInjector(t, { origin: cluster.origin, files });
  await routeTo(started.port);
  await until(() => started.problem() === undefined);
  return started;
}

/** There is no Service proxy here; an external name is what an API server resolves by itself. */
async function routeTo(port: number): Promise<void> {
  const spec = {
    type: 'ExternalName',
    externalName: 'localhost',
    selector: null,
    clusterIP: '',
    clusterIPs: null,
  };
  await cluster.must(patching('service', 'wechat-sidecar-injector', 'merge', { spec }));
  const operations = [{ op: 'replace', path: '/webhooks/0/clientConfig/service/port', value: port }];
  await cluster.must(patching('mutatingwebhookconfiguration', 'wechat-sidecar-injector', 'json', operations));
}

function patching(kind: string, name: string, type: string, patch: unknown): string[] {
  return ['patch', '-n', 'wechat-sidecar', kind, name, `--type=${type}`, '-p', JSON.stringify(patch)];
}

async function accountFiles(account: string): Promise<{ tokenFile: string; caFile: string }> {
  const tokenFile = join(cluster.folder, `${account}.token`);
  writeFileSync(tokenFile, await cluster.must(['create', 'token', account, '-n', 'wechat-sidecar']));
  return { tokenFile, caFile: cluster.caFile };
}

/** The pod as the API server would store it; nothing is stored. */
async function created(pod: unknown, namespace = 'default'): Promise<Pod> {
  const args = ['create', '-n', namespace, '--dry-run=server', '-o', 'json', '-f', '-'];
  return JSON.parse(await cluster.must(args, JSON.stringify(pod))) as Pod;
}

/** What kubectl says where a pod is refused. */
async function refusalOf(pod: unknown, namespace = 'default'): Promise<string> {
  const args = ['create', '-n', namespace, '--dry-run=server', '-f', '-'];
  const { code, err } = await cluster.kubectl(args, JSON.stringify(pod));
  return code === 0 ? 'it was not refused' : err;
}

function names(containers: Container[] | undefined): string[] {
  return containers?.map(({ name }) => name) ?? [];
}

inCluster(`every object of every overlay is accepted by the API server${because}`, async (t) => {
  for (const overlay of ['base', 'overlays/dev', 'overlays/ha']) await accepted(t, `k8s/${overlay}`);
});

(CUSTOM_DEFINITIONS === undefined ? test.serial.skip : inCluster)(
  `every object of the components for cert-manager and Prometheus is accepted${because}`,
  (t) => accepted(t, 'test/k8s/overlays/everything'),
);

const noChart = missing ?? missingTools('helm');
(noChart === undefined ? test.serial : test.serial.skip)(
  `every object of the chart is accepted${noChart === undefined ? '' : ` (skipped: ${noChart})`}`,
  async (t) => {
    for (const choice of CHOICES) {
      const needsDefinitions = choice.values.includes('monitoring.enabled=true');
      if (needsDefinitions && CUSTOM_DEFINITIONS === undefined) continue;
      const how = ['--server-side', '--force-conflicts', '--validate=strict', '--dry-run=server'];
      const { code, out, err } = await cluster.kubectl(['apply', ...how, '-f', '-'], await chartOf(choice));
      t.is(code, 0, `${choice.values.join(' ')}: ${err}`);
      t.true(out.split('\n').length > 20);
    }
  },
);

async function accepted(t: ExecutionContext, overlay: string): Promise<void> {
  const how = ['--server-side', '--force-conflicts', '--validate=strict', '--dry-run=server'];
  const { code, out, err } = await cluster.kubectl(['apply', ...how, '-k', overlay]);
  t.is(code, 0, `${overlay}: ${err}`);
  t.true(out.split('\n').length > 20, overlay);
}

inCluster(`to apply the base again takes neither the certificate nor the trust away${because}`, async (t) => {
  const read = async (...what: string[]): Promise<string> =>
    cluster.must(['get', '-n', 'wechat-sidecar', ...what]);
  const kept = async (): Promise<string[]> => [
    await read('secret', 'wechat-sidecar-injector-certificate', '-o', 'jsonpath={.data}'),
    await read('mutatingwebhookconfiguration', 'wechat-sidecar-injector', '-o', 'jsonpath={..caBundle}'),
  ];
  const before = await kept();
  for (const text of before) t.true(text.length > 500);
  await cluster.must(['apply', '--server-side', '--force-conflicts', '-k', 'k8s/base']);
  t.deepEqual(await kept(), before);
  await routeTo(injector.port);
});

inCluster(`a pod with the label gets a native sidecar, and one without gets nothing${because}`, async (t) => {
  const pod = await created(podNamed('asks', INJECT));
  t.deepEqual(names(pod.spec.initContainers), ['wechat-sidecar']);
  t.is(pod.spec.initContainers?.[0]?.restartPolicy, 'Always');
  t.is(pod.metadata.labels?.['wechat-sidecar.io/injected'], 'true');
  t.deepEqual(JSON.parse(pod.metadata.annotations?.['wechat-sidecar.io/status'] ?? ''), {
    version: '0.0.0-test',
    mode: 'native',
  });
  t.true(pod.spec.volumes?.some(({ name }) => name === 'wechat-sidecar-hub'));
  for (const labels of [{}, { 'wechat-sidecar.io/inject': 'false' }]) {
    const plain = await created(podNamed('plain', { labels }));
    t.is(plain.spec.initContainers, undefined);
    t.is(plain.spec.containers[0]?.env, undefined);
  }
});

inCluster(
  `the pods of the examples are accepted where Pod Security enforces "restricted"${because}`,
  async (t) => {
    for (const example of ['deployment', 'job', 'cronjob']) {
      const pod = await created(podOfExample(example), 'shop');
      t.deepEqual(names(pod.spec.initContainers), ['wechat-sidecar'], example);
    }
    const wiredIn = podOfExample('deployment');
    wiredIn.metadata.annotations = { 'wechat-sidecar.io/transparent': 'true' };
    t.deepEqual(names((await created(wiredIn, 'shop')).spec.initContainers), ['wechat-sidecar']);
    t.regex(
      await refusalOf(podNamed('careless', INJECT), 'shop'),
      /violates PodSecurity "restricted:latest".*container "app"/,
    );
  },
);

inCluster(
  `every pod that the tests write down as injected is one that the API server takes${because}`,
  async (t) => {
    const folder = 'test/injector/pods';
    const files = readdirSync(folder).filter((name) => name.endsWith('.out.yaml'));
    t.true(files.length > 8);
    for (const file of files) {
      const { metadata, spec } = parse(readFileSync(join(folder, file), 'utf8')) as Pod;
      // Neither a namespace that is not there, nor what only an API server writes.
      const { labels, annotations } = metadata;
      const { aFieldThatComesLater: _, ...known } = spec as Pod['spec'] & { aFieldThatComesLater?: unknown };
      const pod = {
        ...podNamed('x', { ...(labels && { labels }), ...(annotations && { annotations }) }),
        spec: known,
      };
      const how = ['create', '-n', 'default', '--dry-run=server', '--validate=strict', '-f', '-'];
      const { code, err } = await cluster.kubectl(how, JSON.stringify(pod));
      t.is(code, 0, `${file}: ${err}`);
    }
  },
);

/** A pod that asks, with resources of its own and those of its container. */
function podWith(name: string, resources: Resources | undefined, ofContainer: Resources): Manifest {
  const pod = podNamed(name, INJECT);
  const containers = [{ name: 'app', image: 'orders:1', resources: ofContainer }];
  return { ...pod, spec: { containers, ...(resources && { resources }) } };
}

inCluster(
  `a pod is not refused for resources of its own, and a Guaranteed one stays so${because}`,
  async (t) => {
    const [most, least] = [
      { cpu: '200m', memory: '128Mi' },
      { cpu: '100m', memory: '128Mi' },
    ];
    const filled = podWith('filled', { requests: least, limits: most }, { requests: least });
    // The API server itself makes requests of the pod out of those of its containers.
    const limited = podWith('limited', { limits: most }, { requests: least });
    for (const pod of [filled, limited]) {
      const args = ['create', '-n', 'default', '--dry-run=server', '-f', '-'];
      const { code, err } = await cluster.kubectl(args, JSON.stringify(pod));
      t.is(code, 0, err);
      t.regex(err, /Warning: wechat-sidecar shares the pod-level resources/);
      t.deepEqual((await created(pod)).spec.initContainers?.[0]?.resources?.requests, {
        cpu: '0',
        memory: '0',
      });
    }
    const same = { requests: most, limits: most };
    for (const pod of [podWith('plain', undefined, same), podWith('whole', same, { requests: least })]) {
      const { status, spec } = await created(pod);
      t.deepEqual(names(spec.initContainers), ['wechat-sidecar']);
      t.is(status.qosClass, 'Guaranteed', pod.metadata.name);
    }
  },
);

inCluster(`a pod for Windows by its RuntimeClass is refused in words${because}`, async (t) => {
  const runtimeClass = {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: 'server-2022' },
    handler: 'process',
    scheduling: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
  };
  await cluster.must(['apply', '--server-side', '-f', '-'], JSON.stringify(runtimeClass));
  const pod = podNamed('windows', INJECT);
  const why = await refusalOf({ ...pod, spec: { ...pod.spec, runtimeClassName: 'server-2022' } });
  t.regex(why, /it runs on Windows \(nodeSelector\), but the sidecar needs Linux/);
});

inCluster(`Secrets for the image come beside those of the service account${because}`, async (t) => {
  const secrets = { imagePullSecrets: [{ name: 'orders-registry' }] };
  await cluster.must(['patch', 'serviceaccount', 'orders', '-n', 'shop', '-p', JSON.stringify(secrets)]);
  injector.reconfigure({ WECHAT_INJECTOR_IMAGE_PULL_SECRETS: 'platform-registry' });
  t.teardown(() => injector.reconfigure({}));
  const pod = podOfExample('deployment');
  pod.spec['serviceAccountName'] = 'orders';
  t.deepEqual((await created(pod, 'shop')).spec.imagePullSecrets, [
    { name: 'orders-registry' },
    { name: 'platform-registry' },
  ]);
});

inCluster(`the plain container of an old cluster is accepted there too${because}`, async (t) => {
  const job = podOfExample('job');
  job.metadata.annotations = { 'wechat-sidecar.io/mode': 'container' };
  const args = ['create', '-n', 'shop', '--dry-run=server', '-f', '-'];
  const { code, err } = await cluster.kubectl(args, JSON.stringify(job));
  t.is(code, 0, err);
  t.regex(err, /Warning: wechat-sidecar runs as a plain container.*quitquitquit/);
});

inCluster(`a mistake in an annotation is told to whoever runs kubectl${because}`, async (t) => {
  const misspelt = podNamed('x', { ...INJECT, annotations: { 'wechat-sidecar.io/log-levle': 'debug' } });
  t.regex(
    await refusalOf(misspelt),
    /admission webhook "inject\.wechat-sidecar\.io" denied the request: wechat-sidecar cannot be added to this pod: annotation wechat-sidecar\.io\/log-levle: no such annotation; did you mean log-level\?/,
  );
  const word = podNamed('x', { labels: { 'wechat-sidecar.io/inject': 'yes' } });
  t.regex(await refusalOf(word), /label wechat-sidecar\.io\/inject: got "yes", accepted is "true"/);
});

inCluster(`containers that another webhook adds after us learn of the sidecar too${because}`, async (t) => {
  const { url, cert } = await startMesh(t);
  await cluster.must(['apply', '--server-side', '-f', '-'], JSON.stringify(meshWebhook(url, cert)));
  t.teardown(() => cluster.kubectl(['delete', 'mutatingwebhookconfiguration', 'zz-mesh']));
  const meshed = podNamed('meshed', { labels: { ...INJECT.labels, mesh: 'true' } });
  let pod: Pod | undefined;
  await until(async () => names((pod = await created(meshed)).spec.containers).includes('mesh'));
  t.deepEqual(names(pod?.spec.initContainers), ['wechat-sidecar']);
  for (const { name, env } of pod?.spec.containers ?? []) {
    t.deepEqual(env, [{ name: 'WECHAT_SIDECAR_URL', value: 'http://127.0.0.1:3880' }], name);
  }
});

inCluster(`hub and injector have the rights that they need and no others${because}`, async (t) => {
  const may = async (account: string, ...what: string[]): Promise<boolean> => {
    const as = `--as=system:serviceaccount:wechat-sidecar:${account}`;
    return (await cluster.kubectl(['auth', 'can-i', as, ...what])).code === 0;
  };
  const [hub, inj, own] = ['wechat-sidecar-hub', 'wechat-sidecar-injector', 'wechat-sidecar'];
  t.true(await may(hub, 'create', 'tokenreviews.authentication.k8s.io'));
  t.false(await may(hub, 'create', 'subjectaccessreviews.authorization.k8s.io'));
  t.false(await may(hub, 'get', 'secrets', '-n', own));
  t.true(await may(inj, 'update', 'secrets/wechat-sidecar-injector-certificate', '-n', own));
  t.false(await may(inj, 'get', 'secrets/wechat-sidecar-appsecrets', '-n', own));
  t.false(await may(inj, 'list', 'secrets', '-n', own));
  t.true(await may(inj, 'patch', `mutatingwebhookconfigurations/${inj}`));
  t.false(await may(inj, 'patch', 'mutatingwebhookconfigurations/another'));
  t.false(await may(inj, 'get', 'pods', '-A'));
});

inCluster(
  `the hub knows a sidecar by the token of its pod, and refuses every other token${because}`,
  async (t) => {
    const simulator = await startSimulator(t);
    const hub = await startHubHere(t, simulator.origin);
    const asks = async (token: string): Promise<number> => (await hub.call('/v1/apps', {}, token)).status;
    await cluster.must(['create', '-n', 'default', '-f', '-'], JSON.stringify(podNamed('asking', INJECT)));
    t.teardown(() => cluster.kubectl(['delete', 'pod', 'asking', '--force', '--grace-period=0']));
    const token = async (account: string, audience: string): Promise<string> => {
      const bound = account === 'default' ? ['--bound-object-kind=Pod', '--bound-object-name=asking'] : [];
      return (
        await cluster.must(['create', 'token', account, '-n', 'default', `--audience=${audience}`, ...bound])
      ).trim();
    };
    t.is(await asks(await token('default', 'wechat-sidecar-hub')), 200);
    t.is(await asks(await token('default', 'https://kubernetes.default.svc')), 401);
    t.is(await asks(await token('orders', 'wechat-sidecar-hub')), 401);
    t.is(await asks((await token('default', 'wechat-sidecar-hub')).replace(/.{8}$/, 'AAAAAAAA')), 401);
  },
);

inCluster(`while the injector is down only pods that ask for a sidecar wait for it${because}`, async (t) => {
  await injector.role.drain({ delayMs: 0, timeoutMs: 0 });
  t.regex(await refusalOf(podNamed('asks', INJECT)), /failed calling webhook "inject\.wechat-sidecar\.io"/);
  t.is((await created(podNamed('plain'))).spec.initContainers, undefined);
  t.is((await created(podNamed('asks', INJECT), 'kube-system')).spec.initContainers, undefined);
  injector = await startInjectorHere(whole);
  await until(
    async () =>
      (
        await cluster.kubectl(
          ['create', '--dry-run=server', '-f', '-'],
          JSON.stringify(podNamed('asks', INJECT)),
        )
      ).code === 0,
  );
  t.deepEqual(names((await created(podNamed('asks', INJECT))).spec.initContainers), ['wechat-sidecar']);
});

async function startHubHere(t: ExecutionContext, upstream: string): ReturnType<typeof startTestHub> {
  const files = await accountFiles('wechat-sidecar-hub');
  return startTestHub(t, [upstream], {
    file: `kubernetes: { allow: [{ namespace: default, serviceAccount: default, apps: [${DEMO_APP.appid}] }] }`,
    access: { server: cluster.origin, ...files },
  });
}
