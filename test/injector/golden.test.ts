import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import type { InjectionSettings } from '../../src/kubernetes/injection-settings.ts';
import { injected } from '../support/injection.ts';
import { restrictedFaults } from '../support/pod-security.ts';

interface Case {
  readonly settings?: Partial<InjectionSettings>;
  readonly nativeSupported?: boolean;
}

const FOLDER = 'test/injector/pods';
const HUB_CA = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

/** Every pair of files in the folder, by their common name. */
const CASES: Readonly<Record<string, Case>> = {
  least: {},
  'as-admitted': {},
  'every-annotation': {},
  'init-containers': {},
  'other-sidecars': {},
  'ports-taken': {},
  'job-old-cluster': { nativeSupported: false },
  'container-mode': {},
  transparent: {},
  'copied-from-a-cluster': {},
  'pod-level-resources': {},
  'pod-level-guaranteed': {},
  guaranteed: {},
  'init-before': {},
  'private-registry': {
    settings: {
      imagePullSecrets: ['orders-registry', 'platform-registry'],
      caConfigMap: { name: 'company-ca', key: 'ca.crt' },
    },
  },
  'hub-with-private-authority': {
    settings: {
      hubCaPem: HUB_CA,
      hubUrls: ['https://hub.example.com:3882'],
      upstreams: ['http://simulator:3884', 'https://api2.weixin.qq.com'],
    },
  },
  'egress-proxy': { settings: { egressProxySecret: { name: 'egress-proxy', key: 'url' } } },
  'egress-proxy-of-the-pod': { settings: { egressProxySecret: { name: 'egress-proxy', key: 'url' } } },
  openshift: { settings: { runAsUser: undefined, imagePullPolicy: 'Always', memoryLimit: undefined } },
};

for (const [name, { settings, nativeSupported = true }] of Object.entries(CASES)) {
  const [inFile, outFile] = [join(FOLDER, `${name}.in.yaml`), join(FOLDER, `${name}.out.yaml`)];
  test(`${name}: the injected pod matches its golden file`, (t) => {
    const { result, pod } = injected(parse(readFileSync(inFile, 'utf8')), settings, { nativeSupported });
    if (result.kind !== 'inject') return t.fail(JSON.stringify(result));
    // To update the golden files run with UPDATE_PODS=1, then read the diff.
    if (process.env['UPDATE_PODS'] !== undefined) writeFileSync(outFile, stringify(pod, { lineWidth: 0 }));
    t.deepEqual(pod, parse(readFileSync(outFile, 'utf8')));
  });

  test(`${name}: a pod that is injected already gets nothing more`, (t) => {
    const out: unknown = parse(readFileSync(outFile, 'utf8'));
    t.deepEqual(injected(out, settings, { nativeSupported }).result, {
      kind: 'skip',
      reason: 'already_injected',
    });
  });

  test(`${name}: the sidecar satisfies Pod Security "restricted"`, (t) => {
    const faults = restrictedFaults(parse(readFileSync(outFile, 'utf8')));
    const before = restrictedFaults(parse(readFileSync(inFile, 'utf8')));
    t.deepEqual(faults, before);
  });
}

test('every golden file has a case, and every case has its files', (t) => {
  const expected = Object.keys(CASES).flatMap((name) => [`${name}.in.yaml`, `${name}.out.yaml`]);
  t.deepEqual(readdirSync(FOLDER).toSorted(), expected.toSorted());
});

test('the Pod Security check finds the violations of a careless container', (t) => {
  const faults = restrictedFaults({
    spec: {
      hostNetwork: true,
      containers: [{ name: 'app', securityContext: { privileged: true } }],
      volumes: [{ name: 'node', hostPath: { path: '/' } }],
    },
  });
  t.deepEqual(faults, [
    'hostNetwork is set',
    'volume node is of kind hostPath',
    'app: privileged',
    'app: allowPrivilegeEscalation is not false',
    'app: does not drop ALL',
    'app: may run as root (runAsNonRoot)',
    'app: has no seccomp profile',
  ]);
});
