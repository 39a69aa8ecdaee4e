import test from 'ava';
import fc from 'fast-check';
import { quantityNanos } from '../../src/kubernetes/quantity.ts';
import { askingPod, injected } from '../support/injection.ts';

type List = Record<string, string>;
interface Resources {
  requests?: List;
  limits?: List;
}
interface Container {
  name: string;
  restartPolicy?: string;
  resources?: Resources;
}
interface Spec {
  resources?: Resources;
  containers: Container[];
  initContainers?: Container[];
}

function asking(spec: Spec, annotations: List = {}): unknown {
  const prefixed = Object.entries(annotations).map(([name, value]) => [`wechat-sidecar.io/${name}`, value]);
  return { ...askingPod(Object.fromEntries(prefixed)), spec };
}

function sidecarOf(pod: unknown): Resources {
  const { initContainers = [], containers } = (pod as { spec: Spec }).spec;
  const found = [...initContainers, ...containers].find(({ name }) => name === 'wechat-sidecar');
  return found?.resources ?? {};
}

function told(pod: unknown): string {
  const { result } = injected(pod);
  return result.kind === 'inject'
    ? result.warnings.join('\n')
    : result.kind === 'refuse'
      ? result.message
      : '';
}

/** The requests of all containers together, as k8s.io/component-helpers computes them. */
function aggregate(spec: Spec, kind: string): bigint {
  const of = ({ resources }: Container): bigint => quantityNanos(resources?.requests?.[kind]) ?? 0n;
  let restartable = 0n;
  const peaks = (spec.initContainers ?? []).map((init) => {
    if (init.restartPolicy === 'Always') restartable += of(init);
    return init.restartPolicy === 'Always' ? restartable : restartable + of(init);
  });
  return [...peaks, spec.containers.reduce((sum, container) => sum + of(container), restartable)].reduce(
    (most, peak) => (peak > most ? peak : most),
  );
}

/** Whether the kubelet puts a pod without pod-level resources in the class Guaranteed. */
function isGuaranteed({ containers, initContainers = [] }: Spec): boolean {
  return [...containers, ...initContainers].every(({ resources }) =>
    ['cpu', 'memory'].every((kind) => {
      const limit = quantityNanos(resources?.limits?.[kind]) ?? 0n;
      return limit > 0n && limit === quantityNanos(resources?.requests?.[kind]);
    }),
  );
}

const quantity = {
  cpu: fc.integer({ min: 0, max: 400 }).map((millis) => `${millis}m`),
  memory: fc.integer({ min: 0, max: 400 }).map((mebis) => `${mebis}Mi`),
};
const container = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  restartPolicy: fc.option(fc.constant('Always'), { nil: undefined }),
  resources: fc.record({ requests: fc.record(quantity, { requiredKeys: [] }) }),
});
const filled = fc.record({
  containers: fc.array(container, { minLength: 1, maxLength: 3 }),
  initContainers: fc.array(container, { maxLength: 4 }),
  spareCpu: fc.integer({ min: 0, max: 20 }),
  spareMemory: fc.integer({ min: 0, max: 100 }),
  mode: fc.constantFrom('native', 'container'),
  before: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
});

test('in a pod with pod-level resources the sidecar never requests more than they leave', (t) => {
  fc.assert(
    fc.property(filled, ({ containers, initContainers, spareCpu, spareMemory, mode, before }) => {
      const plain = containers.map(({ name, resources }) => ({ name, resources }));
      const spec = JSON.parse(JSON.stringify({ containers: plain, initContainers })) as Spec;
      const cpu = aggregate(spec, 'cpu') / 1_000_000n + BigInt(spareCpu);
      const memory = aggregate(spec, 'memory') / 1_000_000_000n + BigInt(spareMemory * 2 ** 20);
      spec.resources = {
        requests: { cpu: `${cpu}m`, memory: String(memory) },
        limits: { cpu: `${cpu + 1n}m`, memory: String(memory + 100n * 2n ** 20n) },
      };
      const isThere = mode === 'native' && initContainers.some(({ name }) => name === before);
      const pod = asking(spec, { mode, ...(isThere && before !== undefined && { 'init-before': before }) });
      const after = (injected(pod).pod as { spec: Spec }).spec;
      const { requests = {}, limits = {} } = sidecarOf({ spec: after });
      return ['cpu', 'memory'].every((kind) => {
        const [most, limit] = [
          quantityNanos(spec.resources?.requests?.[kind]) ?? 0n,
          quantityNanos(limits[kind]),
        ];
        const request = quantityNanos(requests[kind]);
        return (
          request !== undefined &&
          aggregate(after, kind) <= most &&
          (limit === undefined ||
            (limit <= (quantityNanos(spec.resources?.limits?.[kind]) ?? 0n) && request <= limit))
        );
      });
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

test('if the pod has enough room, the sidecar gets its default resources without a warning', (t) => {
  const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } };
  const pod = asking({ resources, containers: [{ name: 'app' }] });
  t.deepEqual(sidecarOf(injected(pod).pod), sidecarOf(injected(askingPod()).pod));
  t.is(told(pod), '');
});

test('a sidecar that gets less than its default causes a warning with the usual amounts', (t) => {
  const requests = { cpu: '100m', memory: '128Mi' };
  const limits = { cpu: '200m', memory: '128Mi' };
  const pod = asking({
    resources: { requests, limits },
    containers: [{ name: 'app', resources: { requests } }],
  });
  t.regex(told(pod), /leave it less than .*\(10m of cpu; 64Mi of memory, at most 128Mi\): add that to them/);
});

test('a pod that exceeds its own resources already is left for the API server to refuse', (t) => {
  const containers = [{ name: 'app', resources: { requests: { cpu: '200m' } } }];
  const pod = asking({ resources: { requests: { cpu: '100m' } }, containers });
  t.is(sidecarOf(injected(pod).pod).requests?.['cpu'], '0');
});

test('pod-level resources for one kind do not affect the other kind', (t) => {
  const requests = { cpu: '100m' };
  const pod = asking({ resources: { requests }, containers: [{ name: 'app', resources: { requests } }] });
  t.deepEqual(sidecarOf(injected(pod).pod), {
    requests: { cpu: '0', memory: '64Mi' },
    limits: { memory: '128Mi' },
  });
});

test('annotations that exceed the pod-level resources are refused with a message', (t) => {
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '200m', memory: '192Mi' } };
  const containers = [{ name: 'app', resources: { requests: { cpu: '60m', memory: '0.1Gi' } } }];
  const why = (annotations: List): string => told(asking({ resources, containers }, annotations));
  t.regex(
    why({ 'cpu-request': '50m' }),
    /cpu-request: 50m exceeds what its containers leave of .* 40m of 100m/,
  );
  t.regex(why({ 'memory-request': '64Mi' }), /memory-request: 64Mi exceeds .* of 128Mi/);
  t.regex(why({ 'memory-limit': '200Mi' }), /memory-limit: 200Mi exceeds .* 192Mi/);
  t.regex(why({ 'cpu-limit': '30m', 'cpu-request': '35m' }), /35m is more than the limit, 30m/);
  t.notRegex(why({ 'cpu-request': '40m', 'memory-limit': '192Mi' }), /cannot be added/);
  const tiny = { limits: { memory: '64Mi' } };
  t.regex(told(asking({ resources: tiny, containers: [] })), /is 64Mi, but the sidecar alone needs 96Mi/);
});

const MOST = { cpu: '1', memory: '1Gi' };
const GUARANTEED: Container = { name: 'app', resources: { requests: MOST, limits: MOST } };

test('a Guaranteed pod stays Guaranteed if its annotations set one kind only', (t) => {
  for (const annotations of [
    {},
    { 'cpu-limit': '1' },
    { 'cpu-request': '50m', 'memory-request': '128Mi' },
    { 'memory-limit': '512Mi' },
  ]) {
    const pod = asking({ containers: [GUARANTEED] }, annotations);
    t.true(isGuaranteed((injected(pod).pod as { spec: Spec }).spec), JSON.stringify(annotations));
    t.is(told(pod), '');
  }
  t.deepEqual(sidecarOf(injected(asking({ containers: [GUARANTEED] }), { cpuLimit: '2' }).pod), {
    requests: { cpu: '2', memory: '128Mi' },
    limits: { cpu: '2', memory: '128Mi' },
  });
});

test('a pod that misses the class Guaranteed by one container is left as it is', (t) => {
  const others: Resources[] = [
    {},
    { limits: { cpu: '1' }, requests: { cpu: '1' } },
    { limits: MOST, requests: { ...MOST, cpu: '999m' } },
    { limits: { ...MOST, cpu: '0' } },
  ];
  for (const resources of others) {
    const { pod } = injected(
      asking({ containers: [GUARANTEED], initContainers: [{ name: 'i', resources }] }),
    );
    t.deepEqual(sidecarOf(pod), sidecarOf(injected(askingPod()).pod), JSON.stringify(resources));
  }
});

test('a request below its limit loses the class Guaranteed, with a warning', (t) => {
  const pod = asking({ containers: [GUARANTEED] }, { 'cpu-request': '10m', 'cpu-limit': '1' });
  t.regex(told(pod), /would be Guaranteed if the annotations/);
  const small = asking({ containers: [GUARANTEED] }, { 'memory-request': '32Mi' });
  t.regex(told(small), /memory-request: got "32Mi"; in a Guaranteed pod .* at least 96Mi/);
});

test('quantities are parsed as Kubernetes parses them', (t) => {
  const same: readonly (readonly [unknown, unknown])[] = [
    ['0.1', '100m'],
    ['1', 1],
    ['1Gi', '1024Mi'],
    ['1.5Gi', '1536Mi'],
    ['128974848', '123Mi'],
    ['129e6', '129M'],
    ['1E3', '1k'],
    ['5e-1', '500m'],
    ['.5', '0.5'],
    ['1.', '1'],
    ['+2', '2'],
    ['0.0000000001', '1n'],
  ];
  for (const [one, other] of same) {
    t.true(
      quantityNanos(one) !== undefined && quantityNanos(one) === quantityNanos(other),
      JSON.stringify(one),
    );
  }
  t.is(quantityNanos('-1'), -1_000_000_000n);
  t.is(quantityNanos('1E'), 10n ** 27n);
  for (const junk of [
    '',
    '.',
    'Mi',
    '1 Mi',
    '1mi',
    '1e',
    '0x10',
    '1e999',
    '1'.repeat(65),
    null,
    undefined,
    {},
  ]) {
    t.is(quantityNanos(junk), undefined, JSON.stringify(junk));
  }
});
