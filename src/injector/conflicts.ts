import type { PodOptions } from '../kubernetes/annotations.ts';
import * as name from '../kubernetes/names.ts';
import { objects, type PodView } from './pod.ts';
import type { SidecarPlan } from './sidecar-container.ts';
import { KEY_VOLUME, transparentConflicts, TRUST_VOLUME } from './transparent.ts';
import { windowsBy } from './windows.ts';

/** Every container adds a part to the response. */
const CONTAINERS_MAX = 256;

/** Why a sidecar cannot work in this pod: what conflicts, and what to do about it. */
export function findConflicts(
  pod: PodView,
  asked: string,
  options: PodOptions,
  plan: SidecarPlan,
  isPresent: boolean,
): string[] {
  const problems: string[] = [];
  if (asked !== 'true') {
    problems.push(`label ${name.INJECT_LABEL}: got "${asked}", accepted is "true" or "false"`);
  }
  if (pod.spec['hostNetwork'] === true) {
    problems.push(
      'it uses hostNetwork, where every program on the node could call WeChat through the sidecar: ' +
        'run wechat-sidecar as a container of your own and protect it in another way, or stop using hostNetwork',
    );
  }
  const containers = pod.containers.length + pod.initContainers.length;
  if (containers > CONTAINERS_MAX) {
    problems.push(`it has ${containers} containers; the maximum is ${CONTAINERS_MAX}`);
  }
  const windows = windowsBy(pod);
  if (windows !== undefined) {
    problems.push(`it runs on Windows (${windows}), but the sidecar needs Linux`);
  }
  problems.push(...(isPresent ? presentObstacles(pod) : namesInTheWay(pod)));
  if (!isPresent && takenPorts(pod).has(plan.port)) {
    problems.push(
      `port ${plan.port} is declared by one of its containers: choose another one for the sidecar with the annotation ${name.PREFIX}port`,
    );
  }
  if (isPresent) return problems;
  if (options.transparent === true) {
    problems.push(...transparentConflicts(pod, plan.mode, takenPorts(pod)));
  }
  return [...problems, ...orderProblems(pod, options, plan)];
}

function orderProblems(
  { initContainers }: PodView,
  { initBefore = [] }: PodOptions,
  plan: SidecarPlan,
): string[] {
  const annotation = `annotation ${name.PREFIX}init-before`;
  if (initBefore.length > 0 && plan.mode === 'container') {
    return [`${annotation}: needs a native sidecar, but in this cluster the sidecar is a plain container`];
  }
  const present = initContainers.map((container) => String(container['name']));
  const missing = initBefore.filter((wanted) => !present.includes(wanted));
  const there = present.length === 0 ? 'the pod has none' : `the pod has ${present.join(', ')}`;
  return missing.map((wanted) => `${annotation}: there is no init container named ${wanted}; ${there}`);
}

/** Every port that a container declares. */
export function takenPorts(pod: PodView): ReadonlySet<number> {
  const ports = [...pod.containers, ...pod.initContainers]
    .filter((container) => container['name'] !== name.CONTAINER_NAME)
    .flatMap((container) => objects(container['ports']).map((port) => port['containerPort']));
  return new Set(ports.filter((port) => typeof port === 'number'));
}

function presentObstacles({ annotations }: PodView): string[] {
  if (annotations[name.STATUS_ANNOTATION] !== undefined) return [];
  return [
    `it has a container named ${name.CONTAINER_NAME} of its own: rename it, or remove the label ${name.INJECT_LABEL}`,
  ];
}

function namesInTheWay({ spec }: PodView): string[] {
  const ours: unknown[] = [name.VOLUME_NAME, TRUST_VOLUME, KEY_VOLUME];
  return objects(spec['volumes'])
    .filter((volume) => ours.includes(volume['name']))
    .map((volume) => `it has a volume named ${String(volume['name'])} of its own: rename it`);
}
