import jsonPatch from 'fast-json-patch';
import { inject, type Injection, type InjectionContext } from '../../src/injector/inject.ts';
import type { InjectionSettings } from '../../src/kubernetes/injection-settings.ts';

export const TEST_INJECTION: InjectionSettings = {
  version: '0.1.0',
  image: 'registry.example.com/wechat-sidecar:0.1.0',
  imagePullPolicy: undefined,
  imagePullSecrets: [],
  mode: 'auto',
  hubUrls: ['http://wechat-sidecar-hub.wechat-sidecar.svc:3882'],
  upstreams: undefined,
  hubCaPem: undefined,
  caConfigMap: undefined,
  egressProxy: undefined,
  egressProxySecret: undefined,
  audience: 'wechat-sidecar-hub',
  port: 3880,
  adminPort: 3881,
  cpuRequest: '10m',
  cpuLimit: undefined,
  memoryRequest: '64Mi',
  memoryLimit: '128Mi',
  logLevel: 'info',
  runAsUser: 65_532,
  lockedAnnotations: [],
  ownNamespace: 'wechat-sidecar',
};

const CONTEXT: InjectionContext = { namespace: 'shop', nativeSupported: true };

export interface Injected {
  readonly result: Injection;
  /** The pod with the patch applied, by a library that is not ours. */
  readonly pod: unknown;
}

export function injected(
  pod: unknown,
  settings: Partial<InjectionSettings> = {},
  context: Partial<InjectionContext> = {},
): Injected {
  const result = inject(pod, { ...TEST_INJECTION, ...settings }, { ...CONTEXT, ...context });
  if (result.kind !== 'inject') return { result, pod };
  // The wire is JSON, and so is what the library is given.
  const operations = JSON.parse(JSON.stringify(result.operations)) as jsonPatch.Operation[];
  const copy = JSON.parse(JSON.stringify(pod)) as object;
  return { result, pod: jsonPatch.applyPatch(copy, operations, true, false).newDocument };
}

/** The least pod that is injected. */
export function askingPod(annotations: Record<string, string> = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'orders', labels: { 'wechat-sidecar.io/inject': 'true' }, annotations },
    spec: { containers: [{ name: 'app', image: 'orders:1' }] },
  };
}
