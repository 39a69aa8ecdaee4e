import type { JsonObject } from '../base/json.ts';
import { type InjectionMode, readAnnotations, type PodOptions } from '../kubernetes/annotations.ts';
import { add, type AddOperation, assign, insert } from './json-patch.ts';
import * as name from '../kubernetes/names.ts';
import { findConflicts, takenPorts } from './conflicts.ts';
import { planResources } from './resources.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import { objects, type PodView, viewOf } from './pod.ts';
import {
  transparentPodOperations,
  transparentVolumes,
  transparentWarnings,
  TRUST_VARIABLES,
  trustMountOperations,
} from './transparent.ts';
import { sidecarContainer, type SidecarPlan, sidecarVolume } from './sidecar-container.ts';

const SKIP_REASONS = [
  'not_asked',
  'excluded_namespace',
  'already_injected',
  'not_a_pod',
  'mirror_pod',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export type Injection =
  | {
      readonly kind: 'inject';
      readonly operations: readonly AddOperation[];
      readonly mode: SidecarPlan['mode'];
      /** For the author of the pod; kubectl shows them. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'skip'; readonly reason: SkipReason }
  /** The pod requests something impossible. One sentence for its author. */
  | { readonly kind: 'refuse'; readonly message: string };

export interface InjectionContext {
  /** The namespace of the request: the pod itself may not contain it yet. */
  readonly namespace: string;
  /** Whether the cluster keeps init containers with `restartPolicy: Always` running (1.29 and later). */
  readonly nativeSupported: boolean;
}

const GRACE_SECONDS = 30;
const PROBLEMS_SHOWN_MAX = 20;
/**
 * A mirror pod: the API's copy of a static pod that a kubelet runs from a file. Changing it has no effect
 * or gets it refused.
 */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container';

/**
 * Decides what is added to a pod. Only missing parts are added, so a complete pod gets nothing: the API
 * server may call again after other webhooks have changed the pod.
 */
export function inject(raw: unknown, settings: InjectionSettings, context: InjectionContext): Injection {
  const pod = viewOf(raw);
  if (pod === undefined) return { kind: 'skip', reason: 'not_a_pod' };
  const asked = pod.labels[name.INJECT_LABEL];
  if (asked === undefined || asked === 'false') return { kind: 'skip', reason: 'not_asked' };
  if (isExcluded(context.namespace, settings.ownNamespace)) {
    return { kind: 'skip', reason: 'excluded_namespace' };
  }
  if (pod.annotations[MIRROR_ANNOTATION] !== undefined) return { kind: 'skip', reason: 'mirror_pod' };
  const { options, problems } = readAnnotations(pod.annotations, settings.lockedAnnotations);
  const present = modeOfPresent(pod);
  const mode = present ?? chooseMode(options.mode ?? settings.mode, context.nativeSupported);
  const isPresent = present !== undefined;
  const plan = planFor(pod, mode, options, settings);
  const share = planResources(pod, settings, options, plan);
  const all = [
    ...problems,
    ...findConflicts(pod, asked, options, plan, isPresent),
    ...(isPresent ? [] : share.problems),
  ];
  if (all.length > 0) {
    return { kind: 'refuse', message: `wechat-sidecar cannot be added to this pod: ${listed(all)}` };
  }
  const operations = [
    // These use the indexes that containers have before anything is added.
    ...callerOperations(pod, plan, options),
    ...(isPresent ? [] : sidecarOperations(pod, settings, options, plan, share.resources)),
    ...metadataOperations(pod, settings, mode, isPresent),
  ];
  if (operations.length === 0) return { kind: 'skip', reason: 'already_injected' };
  const warnings = [...warningsFor(pod, plan, options), ...(isPresent ? [] : share.warnings)];
  return { kind: 'inject', operations, mode, warnings };
}

function listed(problems: readonly string[]): string {
  const more = problems.length - PROBLEMS_SHOWN_MAX;
  return [...problems.slice(0, PROBLEMS_SHOWN_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Whatever a selector says, the injector must never block the cluster's own pods. */
function isExcluded(namespace: string, ownNamespace: string): boolean {
  return namespace === ownNamespace || namespace.startsWith('kube-');
}

function chooseMode(mode: InjectionMode, nativeSupported: boolean): SidecarPlan['mode'] {
  return mode === 'auto' ? (nativeSupported ? 'native' : 'container') : mode;
}

function planFor(
  pod: PodView,
  mode: SidecarPlan['mode'],
  options: PodOptions,
  settings: InjectionSettings,
): SidecarPlan {
  const taken = takenPorts(pod);
  const port = options.port ?? settings.port;
  // The admin port is looked up by name, so it can be moved.
  let { adminPort } = settings;
  while (taken.has(adminPort) || adminPort === port) adminPort += 1;
  const before = pod.initContainers.findIndex((container) =>
    options.initBefore?.includes(String(container['name'])),
  );
  const grace = pod.spec['terminationGracePeriodSeconds'];
  return {
    mode,
    // First by default, so that everything that starts after it can call from the beginning.
    initIndex: Math.max(before, 0),
    port,
    adminPort,
    graceSeconds: typeof grace === 'number' ? grace : GRACE_SECONDS,
  };
}

/** Returns undefined if the pod has no sidecar yet. */
function modeOfPresent(pod: PodView): SidecarPlan['mode'] | undefined {
  const isOurs = (container: JsonObject): boolean => container['name'] === name.CONTAINER_NAME;
  if (pod.initContainers.some(isOurs)) return 'native';
  return pod.containers.some(isOurs) ? 'container' : undefined;
}

/**
 * Gives every container that runs alongside the sidecar its address and the CAs to trust, unless they are
 * set already.
 */
function callerOperations(
  pod: PodView,
  { mode, port, initIndex }: SidecarPlan,
  options: PodOptions,
): AddOperation[] {
  const isTransparent = options.transparent === true;
  const variables = {
    [name.URL_VARIABLE]: `http://127.0.0.1:${port}`,
    ...(isTransparent && TRUST_VARIABLES),
  };
  const own = pod.initContainers.findIndex((container) => container['name'] === name.CONTAINER_NAME);
  const first = own >= 0 ? own : initIndex;
  const reaches = (container: JsonObject, index: number): boolean =>
    (mode === 'native' && index >= first) || container['restartPolicy'] === 'Always';
  const additionsFor = (list: string, container: JsonObject, index: number): AddOperation[] => {
    if (container['name'] === name.CONTAINER_NAME) return [];
    const environment = container['env'];
    const given = objects(environment).map((entry) => entry['name']);
    const missing = Object.entries(variables)
      .filter(([variable]) => !given.includes(variable))
      .map(([variable, value]) => ({ name: variable, value }));
    return [
      // First, so that other variables of the container can refer to it: $(WECHAT_SIDECAR_URL)/cgi-bin.
      ...insert(['spec', list, index, 'env'], environment, 0, missing),
      ...(isTransparent ? trustMountOperations(list, index, container) : []),
    ];
  };
  return [
    ...pod.initContainers.flatMap((container, index) =>
      reaches(container, index) ? additionsFor('initContainers', container, index) : [],
    ),
    ...pod.containers.flatMap((container, index) => additionsFor('containers', container, index)),
  ];
}

function sidecarOperations(
  pod: PodView,
  settings: InjectionSettings,
  options: PodOptions,
  plan: SidecarPlan,
  resources: JsonObject,
): AddOperation[] {
  const { spec } = pod;
  const [list, index] =
    plan.mode === 'native' ? (['initContainers', plan.initIndex] as const) : (['containers', 0] as const);
  const given = objects(spec['imagePullSecrets']).map((secret) => secret['name']);
  const pullSecrets = settings.imagePullSecrets.filter((secret) => !given.includes(secret));
  return [
    ...insert(['spec', list], spec[list], index, [sidecarContainer(settings, options, plan, resources)]),
    ...insert(
      ['spec', 'imagePullSecrets'],
      spec['imagePullSecrets'],
      'end',
      pullSecrets.map((secret) => ({ name: secret })),
    ),
    ...insert(['spec', 'volumes'], spec['volumes'], 'end', [
      sidecarVolume(settings, options),
      ...(options.transparent === true ? transparentVolumes() : []),
    ]),
    ...(options.transparent === true ? transparentPodOperations(pod) : []),
  ];
}

function metadataOperations(
  { metadata, labels, annotations, containers }: PodView,
  settings: InjectionSettings,
  mode: SidecarPlan['mode'],
  isPresent: boolean,
): AddOperation[] {
  const first = containers[0]?.['name'];
  const status = JSON.stringify({ version: settings.version, mode });
  const wanted: Record<string, unknown> = {
    ...(!isPresent && { [name.STATUS_ANNOTATION]: status }),
    ...(!isPresent && settings.hubCaPem !== undefined && { [name.HUB_CA_ANNOTATION]: settings.hubCaPem }),
    // Without it, `kubectl logs` and `kubectl exec` would pick the sidecar, which comes first.
    ...(!isPresent &&
      mode === 'container' &&
      annotations[DEFAULT_CONTAINER_ANNOTATION] === undefined && { [DEFAULT_CONTAINER_ANNOTATION]: first }),
  };
  return [
    ...(labels[name.INJECTED_LABEL] === 'true'
      ? []
      : [add(['metadata', 'labels', name.INJECTED_LABEL], 'true')]),
    ...assign(['metadata', 'annotations'], metadata['annotations'], wanted),
  ];
}

function warningsFor(
  pod: PodView,
  { mode, adminPort, initIndex }: SidecarPlan,
  options: PodOptions,
): string[] {
  const restarts = pod.spec['restartPolicy'];
  if (options.transparent === true) return transparentWarnings(pod, initIndex);
  if (mode === 'native' || restarts === undefined || restarts === 'Always') return [];
  return [
    'wechat-sidecar runs as a plain container, so this pod completes only when its own container has asked the ' +
      `sidecar to stop: curl -X POST http://127.0.0.1:${adminPort}/quitquitquit, or wechat-sidecar shutdown`,
  ];
}
