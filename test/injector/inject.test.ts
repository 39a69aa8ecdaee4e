import test from 'ava';
import { ANNOTATIONS, readAnnotations } from '../../src/kubernetes/annotations.ts';
import { askingPod, injected } from '../support/injection.ts';

type Spec = Record<string, unknown>;

function withSpec(spec: Spec, annotations: Record<string, string> = {}): Record<string, unknown> {
  const pod = askingPod(annotations);
  return { ...pod, spec: { ...(pod['spec'] as Spec), ...spec } };
}

function withLabel(value: string | undefined): Record<string, unknown> {
  return {
    ...askingPod(),
    metadata: { labels: value === undefined ? { app: 'orders' } : { 'wechat-sidecar.io/inject': value } },
  };
}

function refusalOf(pod: unknown): string {
  const { result } = injected(pod);
  return result.kind === 'refuse' ? result.message : `not refused: ${JSON.stringify(result)}`;
}

test('a pod without the label gets nothing, whatever annotations it has', (t) => {
  const annotated = { metadata: { annotations: { 'wechat-sidecar.io/nonsense': 'x' } }, spec: {} };
  for (const pod of [withLabel(undefined), withLabel('false'), annotated]) {
    t.deepEqual(injected(pod).result, { kind: 'skip', reason: 'not_asked' });
  }
});

test('a label with any value but true or false is refused, because its author meant something', (t) => {
  t.is(
    refusalOf(withLabel('yes')),
    'wechat-sidecar cannot be added to this pod: label wechat-sidecar.io/inject: got "yes", accepted is "true" or "false"',
  );
});

test('the namespaces of the cluster and of the injector itself are skipped', (t) => {
  for (const namespace of ['kube-system', 'kube-node-lease', 'wechat-sidecar']) {
    t.deepEqual(injected(askingPod(), {}, { namespace }).result, {
      kind: 'skip',
      reason: 'excluded_namespace',
    });
  }
  t.is(injected(askingPod(), {}, { namespace: 'kubernetes-tools' }).result.kind, 'inject');
});

test('anything that is not a pod is skipped', (t) => {
  for (const raw of [undefined, null, [], 'pod', {}, { metadata: {} }, { metadata: [], spec: {} }]) {
    t.deepEqual(injected(raw).result, { kind: 'skip', reason: 'not_a_pod' });
  }
});

test('a misspelt annotation refuses the pod and suggests the right name', (t) => {
  t.is(
    refusalOf(askingPod({ 'wechat-sidecar.io/memory-limits': '128Mi' })),
    'wechat-sidecar cannot be added to this pod: annotation wechat-sidecar.io/memory-limits: no such annotation; did you mean memory-limit?',
  );
  t.regex(
    refusalOf(askingPod({ 'wechat-sidecar.io/entirely-else': 'x' })),
    /entirely-else: no such annotation; valid ones are app, apps, mode, hub-url, image, port, cpu-request,/,
  );
});

test('a refusal lists all problems of the pod at once', (t) => {
  const message = refusalOf(
    withSpec(
      { hostNetwork: true, os: { name: 'windows' } },
      { 'wechat-sidecar.io/mode': 'natvie', 'wechat-sidecar.io/prot': '1' },
    ),
  );
  t.regex(message, /mode: got "natvie", accepted is one of native, container, auto/);
  t.regex(message, /prot: no such annotation; did you mean port\?/);
  t.regex(message, /hostNetwork/);
  t.regex(message, /Windows/);
});

test('a conflicting container, volume or port is named', (t) => {
  const own = withSpec({ containers: [{ name: 'wechat-sidecar' }] });
  t.regex(refusalOf(own), /a container named wechat-sidecar of its own: rename it/);
  const volume = withSpec({ volumes: [{ name: 'wechat-sidecar-hub', emptyDir: {} }] });
  t.regex(refusalOf(volume), /a volume named wechat-sidecar-hub of its own/);
  const port = withSpec({ containers: [{ name: 'app', ports: [{ containerPort: 3880 }] }] });
  t.regex(refusalOf(port), /port 3880 is declared by .*annotation wechat-sidecar\.io\/port/);
});

test('a refusal says why a pod cannot be transparent', (t) => {
  const asks = { 'wechat-sidecar.io/transparent': 'true' };
  const why = (spec: Spec, more: Record<string, string> = {}): string =>
    refusalOf(withSpec(spec, { ...asks, ...more }));
  t.regex(why({}, { 'wechat-sidecar.io/mode': 'container' }), /transparent needs a native sidecar/);
  const alias = { hostAliases: [{ ip: '10.0.0.1', hostnames: ['api.weixin.qq.com'] }] };
  t.regex(why(alias), /its hostAliases already contain a host of the API/);
  const sysctls = [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '1000' }];
  t.regex(why({ securityContext: { sysctls } }), /is above 443, but transparent has to listen there/);
  t.regex(why({ containers: [{ name: 'app', ports: [{ containerPort: 443 }] }] }), /port 443 is declared/);
  t.regex(why({ volumes: [{ name: 'wechat-sidecar-trust' }] }), /a volume named wechat-sidecar-trust/);
});

test('a transparent pod whose container has its own trust settings keeps them, and gets a warning', (t) => {
  const env = [{ name: 'SSL_CERT_DIR', value: '/etc/company' }];
  const spec = { containers: [{ name: 'app', env }, { name: 'other' }] };
  const { result, pod } = injected(withSpec(spec, { 'wechat-sidecar.io/transparent': 'true' }));
  t.deepEqual(result.kind === 'inject' ? result.warnings : undefined, [
    'container app sets SSL_CERT_DIR itself: to use transparent, make it trust /var/run/wechat-sidecar/trust/wechat.pem too',
  ]);
  const { containers } = (pod as { spec: { containers: { env: { name: string; value: string }[] }[] } }).spec;
  t.deepEqual(
    containers[0]?.env.filter(({ name }) => name === 'SSL_CERT_DIR'),
    env,
  );
});

test('a sidecar with other upstreams does not need to bypass the hosts file', (t) => {
  const told = (upstreams: string[] | undefined): string =>
    JSON.stringify(injected(askingPod({ 'wechat-sidecar.io/transparent': 'true' }), { upstreams }).pod);
  t.regex(told(undefined), /"WECHAT_SIDECAR_RESOLVE","value":"dns"/);
  t.regex(
    told(['http://forward:3128', 'https://api2.weixin.qq.com']),
    /"WECHAT_SIDECAR_RESOLVE","value":"dns"/,
  );
  t.notRegex(told(['http://simulator:3884']), /WECHAT_SIDECAR_RESOLVE/);
});

test('a request above the limit is refused with a message here, not by the API server', (t) => {
  const both = {
    'wechat-sidecar.io/memory-request': '512Mi',
    'wechat-sidecar.io/memory-limit': '0.25Gi',
    'wechat-sidecar.io/cpu-request': '2',
    'wechat-sidecar.io/cpu-limit': '500m',
  };
  const message = refusalOf(askingPod(both));
  t.regex(message, /cpu-request: 2 is more than the limit, 500m/);
  t.regex(message, /memory-request: 512Mi is more than the limit, 0.25Gi/);
  t.regex(refusalOf(askingPod({ 'wechat-sidecar.io/memory-request': '300Mi' })), /the limit, 128Mi/);
});

test('a Job with a plain-container sidecar gets a warning that it must stop the sidecar itself', (t) => {
  const { result } = injected(withSpec({ restartPolicy: 'OnFailure' }), { mode: 'container' });
  t.regex(result.kind === 'inject' ? result.warnings.join() : '', /quitquitquit/);
  const native = injected(withSpec({ restartPolicy: 'OnFailure' })).result;
  t.deepEqual(native.kind === 'inject' ? native.warnings : undefined, []);
});

/** For every annotation: values that are accepted and values that are not. */
const SAMPLES: Readonly<Record<string, { good: string[]; bad: string[] }>> = {
  app: { good: ['wx0123456789abcdef', ' wx1 '], bad: ['', 'a', 'wx 1', 'x'.repeat(65), 'wx1,wx2'] },
  apps: { good: ['wx1', 'wx1, wx2,wx2'], bad: ['', 'wx1,,wx2', 'wx1;wx2', Array(17).fill('wx1').join()] },
  mode: { good: ['native', 'container', 'auto'], bad: ['', 'Native', 'sidecar'] },
  'hub-url': {
    good: ['http://hub:3882', 'https://a.example.com,https://b.example.com/'],
    bad: ['', 'hub:3882', 'https://hub/path', 'ftp://hub', 'https://user@hub', 'https://hub:x'],
  },
  image: {
    good: ['wechat-sidecar', 'a.b:5000/c/d_e:V1.0', `a/b:1@sha256:${'0'.repeat(64)}`],
    bad: ['', 'A/b', 'a/b:', 'a b', 'a/b@sha256:12', '-a', `a/${'b'.repeat(600)}`],
  },
  port: { good: ['1024', '65535'], bad: ['', '80', '65536', '1e4', '0x1000', '-3880', '3880.0', '03880'] },
  'cpu-request': { good: ['10m', '1', '0.25'], bad: ['', '10M', '0,1', 'm', '1 core'] },
  'cpu-limit': { good: ['500m', '1'], bad: ['0', '0m', '-1'] },
  'memory-request': { good: ['64Mi', '0.1Gi', '100M', '100000k'], bad: ['64', '64m', '64MB', '64 Mi', ''] },
  'memory-limit': { good: ['96Mi', '1Gi'], bad: ['95Mi', '128', '128m', ''] },
  'log-level': { good: ['debug', 'silent'], bad: ['trace', 'DEBUG', ''] },
  'egress-proxy': {
    good: ['none', 'http://squid:3128', 'http://10.1.2.3:80/', 'http://[fd00::1]:3128'],
    bad: ['', 'squid:3128', 'https://squid:3128', 'http://squid', 'http://squid:99999', 'http://squid:1/x'],
  },
  transparent: { good: ['true', 'false'], bad: ['', 'yes', 'TRUE'] },
  'init-before': {
    good: ['migrate', 'a, b-1,c'],
    bad: ['', 'Migrate', 'a,,b', '-a', 'a b', 'x'.repeat(64), Array(17).fill('a').join()],
  },
};

test('every annotation accepts its valid values only, and a refusal quotes the rejected value', (t) => {
  t.deepEqual(
    ANNOTATIONS.map(({ name }) => name),
    Object.keys(SAMPLES),
  );
  for (const [name, { good, bad }] of Object.entries(SAMPLES)) {
    const key = `wechat-sidecar.io/${name}`;
    for (const text of good) {
      const { options, problems } = readAnnotations({ [key]: text });
      t.deepEqual(problems, [], `${name} ${text}`);
      t.is(Object.keys(options).length, 1, `${name} ${text}`);
    }
    for (const text of bad) {
      const { options, problems } = readAnnotations({ [key]: text });
      t.is(problems.length, 1, `${name} ${JSON.stringify(text)}`);
      const shown = text.replace('user@', '…@').slice(0, 60);
      t.true(problems[0]?.startsWith(`annotation ${key}: got "${shown}`), problems[0]);
      t.deepEqual(options, {});
    }
  }
});

test('a password in an annotation refuses the pod, and the refusal does not show it', (t) => {
  for (const text of ['http://shop:hunter22@squid:3128', 'http://shop:hunter22@a,http://x:hunter22@b:1']) {
    for (const name of ['egress-proxy', 'hub-url']) {
      const { options, problems } = readAnnotations({ [`wechat-sidecar.io/${name}`]: text });
      t.deepEqual(options, {});
      t.regex(problems.join(), /got "http:\/\/…@.*, accepted is /);
      t.notRegex(problems.join(), /hunter|shop/);
    }
  }
});

test('the default account must be one of the accounts', (t) => {
  const { problems } = readAnnotations({
    'wechat-sidecar.io/app': 'wx1',
    'wechat-sidecar.io/apps': 'wx2,wx3',
  });
  t.deepEqual(problems, [
    'annotation wechat-sidecar.io/app: wx1 is not in wechat-sidecar.io/apps (wx2, wx3)',
  ]);
});

test('a long list of problems is shortened and counted, and a pod with too many containers is refused', (t) => {
  const volumes = Array.from({ length: 30 }, () => ({ name: 'wechat-sidecar-hub' }));
  t.regex(refusalOf(withSpec({ volumes })), /(?:; it has a volume named [^;]+){19}; and 10 more$/);
  const containers = Array.from({ length: 257 }, (_, n) => ({ name: `c${n}` }));
  t.regex(refusalOf(withSpec({ containers })), /it has 257 containers; the maximum is 256/);
  const annotations = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, n) => [`wechat-sidecar.io/a${n}`, '']),
  );
  t.true(refusalOf(askingPod(annotations)).length < 10_000);
});

const AFFINITY = 'requiredDuringSchedulingIgnoredDuringExecution';
function requiring(...terms: unknown[][]): Spec {
  const nodeSelectorTerms = terms.map((matchExpressions) => ({ matchExpressions }));
  return { affinity: { nodeAffinity: { [AFFINITY]: { nodeSelectorTerms } } } };
}
function os(operator: string, ...values: string[]): unknown {
  return { key: 'kubernetes.io/os', operator, values };
}

test('a Windows pod is refused, whichever field says so', (t) => {
  const options = { securityContext: { windowsOptions: { runAsUserName: 'ContainerUser' } } };
  const ways: readonly (readonly [string, Spec])[] = [
    ['os.name', { os: { name: 'windows' } }],
    ['nodeSelector', { nodeSelector: { 'kubernetes.io/os': 'windows' } }],
    ['nodeSelector', { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } }],
    ['nodeSelector', { nodeSelector: { 'node.kubernetes.io/windows-build': '10.0.20348' } }],
    ['affinity.nodeAffinity', requiring([os('In', 'windows')])],
    ['affinity.nodeAffinity', requiring([os('NotIn', 'linux')])],
    ['affinity.nodeAffinity', requiring([{ key: 'a', operator: 'Exists' }, os('In', 'windows')])],
    ['affinity.nodeAffinity', requiring([os('In', 'windows')], [os('In', 'windows')])],
    [
      'affinity.nodeAffinity',
      requiring([{ key: 'node.kubernetes.io/windows-build', operator: 'In', values: ['10.0.17763'] }]),
    ],
    ['securityContext.windowsOptions', options],
    ['securityContext.windowsOptions', { containers: [{ name: 'app', ...options }] }],
    ['securityContext.windowsOptions', { initContainers: [{ name: 'init', ...options }] }],
    ['runtimeClassName', { runtimeClassName: 'windows-2019' }],
    ['runtimeClassName', { runtimeClassName: 'runhcs-wcow-process' }],
  ];
  for (const [field, spec] of ways) {
    const expected = `it runs on Windows (${field}), but the sidecar needs Linux`;
    t.true(refusalOf(withSpec(spec)).includes(expected), JSON.stringify(spec));
  }
});

test('a pod that can run on Linux is not mistaken for a Windows pod', (t) => {
  const preferred = [{ weight: 1, preference: { matchExpressions: [os('In', 'windows')] } }];
  const pods: Spec[] = [
    { nodeSelector: { 'kubernetes.io/os': 'linux' } },
    requiring([os('In', 'windows', 'linux')]),
    requiring([os('In', 'windows')], [os('In', 'linux')]),
    requiring([os('NotIn', 'windows')]),
    requiring([os('Exists')]),
    requiring(),
    { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } },
    { tolerations: [{ key: 'os', operator: 'Equal', value: 'windows', effect: 'NoSchedule' }] },
    { securityContext: { windowsOptions: {} } },
    { runtimeClassName: 'gvisor' },
    { os: { name: 'linux' }, runtimeClassName: 'not-windows' },
  ];
  for (const spec of pods) t.is(injected(withSpec(spec)).result.kind, 'inject', JSON.stringify(spec));
});

test('an annotation that the operator has locked refuses the pod; the others still work', (t) => {
  const settings = { lockedAnnotations: ['image', 'hub-url'] };
  const pod = askingPod({ 'wechat-sidecar.io/image': 'a/b:1', 'wechat-sidecar.io/log-level': 'debug' });
  const { result } = injected(pod, settings);
  t.is(
    result.kind === 'refuse' ? result.message : '',
    'wechat-sidecar cannot be added to this pod: annotation wechat-sidecar.io/image: is locked by the operator of the injector; remove it',
  );
  t.is(injected(askingPod({ 'wechat-sidecar.io/log-level': 'debug' }), settings).result.kind, 'inject');
});

test('a sidecar that should start before a missing init container is refused', (t) => {
  const before = { 'wechat-sidecar.io/init-before': 'migrate,seed' };
  const initContainers = [{ name: 'seed' }, { name: 'network' }];
  t.regex(
    refusalOf(withSpec({ initContainers }, before)),
    /init-before: there is no init container named migrate; the pod has seed, network$/,
  );
  t.regex(refusalOf(askingPod(before)), /named migrate; the pod has none; .* named seed; the pod has none$/);
  t.regex(
    refusalOf(withSpec({ initContainers }, { ...before, 'wechat-sidecar.io/mode': 'container' })),
    /init-before: needs a native sidecar/,
  );
});

test('an init container that runs before the sidecar gets no address, and a warning names it if it cannot call the API', (t) => {
  const annotations = {
    'wechat-sidecar.io/init-before': 'migrate',
    'wechat-sidecar.io/transparent': 'true',
  };
  const initContainers = [{ name: 'network' }, { name: 'migrate' }];
  const { result, pod } = injected(withSpec({ initContainers }, annotations));
  const inits = (pod as { spec: { initContainers: { name: string; env?: unknown[] }[] } }).spec
    .initContainers;
  t.deepEqual(
    inits.map(({ name, env }) => [name, env !== undefined]),
    [
      ['network', false],
      ['wechat-sidecar', true],
      ['migrate', true],
    ],
  );
  t.deepEqual(result.kind === 'inject' ? result.warnings : undefined, [
    'network cannot call the API, because the sidecar starts later',
  ]);
});

test('a transparent container with envFrom gets a warning that our variables win', (t) => {
  const spec = { containers: [{ name: 'app', envFrom: [{ configMapRef: { name: 'settings' } }] }] };
  const { result } = injected(withSpec(spec, { 'wechat-sidecar.io/transparent': 'true' }));
  t.regex(
    result.kind === 'inject' ? result.warnings.join() : '',
    /container app uses envFrom: transparent overrides NODE_EXTRA_CA_CERTS, .*PHP_INI_SCAN_DIR if/,
  );
});

test('a mirror pod (a static pod of a kubelet) is skipped', (t) => {
  const mirror = askingPod({ 'kubernetes.io/config.mirror': 'c0ffee', 'wechat-sidecar.io/nonsense': 'x' });
  t.deepEqual(injected(mirror).result, { kind: 'skip', reason: 'mirror_pod' });
});
