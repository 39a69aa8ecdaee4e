import { isObject, type JsonObject } from '../base/json.ts';
import { objects, type PodView } from './pod.ts';

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'];
/** Windows nodes alone have it. */
const BUILD_LABEL = 'node.kubernetes.io/windows-build';
/** Runtime classes are named freely; these are the names that documentation and vendors give. */
const RUNTIME_CLASS = /windows|wcow/i;

/**
 * By which field a pod says that it is for Windows nodes; undefined if it does not. What a RuntimeClass
 * asks of nodes stands in the pod's nodeSelector by the time that a webhook is shown the pod.
 */
export function windowsBy({ spec, containers, initContainers }: PodView): string | undefined {
  const os = isObject(spec['os']) ? spec['os']['name'] : undefined;
  if (os !== undefined) return os === 'windows' ? 'os.name' : undefined;
  if (selects(spec['nodeSelector'])) return 'nodeSelector';
  if (requires(spec['affinity'])) return 'affinity.nodeAffinity';
  if ([spec, ...containers, ...initContainers].some(hasOptions)) return 'securityContext.windowsOptions';
  const runtimeClass = spec['runtimeClassName'];
  return typeof runtimeClass === 'string' && RUNTIME_CLASS.test(runtimeClass)
    ? 'runtimeClassName'
    : undefined;
}

function selects(nodeSelector: unknown): boolean {
  if (!isObject(nodeSelector)) return false;
  return OS_LABELS.some((label) => nodeSelector[label] === 'windows') || BUILD_LABEL in nodeSelector;
}

/** A node has to fit one of the terms, and every expression of it. */
function requires(affinity: unknown): boolean {
  const nodeAffinity = isObject(affinity) ? affinity['nodeAffinity'] : undefined;
  const required = isObject(nodeAffinity)
    ? nodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']
    : undefined;
  const terms = isObject(required) ? objects(required['nodeSelectorTerms']) : [];
  return terms.length > 0 && terms.every((term) => objects(term['matchExpressions']).some(asksForWindows));
}

function asksForWindows({ key, operator, values }: JsonObject): boolean {
  if (key === BUILD_LABEL) return operator === 'In' || operator === 'Exists';
  const named: readonly unknown[] = Array.isArray(values) ? values : [];
  if (!OS_LABELS.includes(String(key)) || named.length === 0) return false;
  // There are no others than these two.
  return operator === 'In'
    ? named.every((name) => name === 'windows')
    : operator === 'NotIn' && named.includes('linux') && !named.includes('windows');
}

function hasOptions({ securityContext }: JsonObject): boolean {
  const options = isObject(securityContext) ? securityContext['windowsOptions'] : undefined;
  return isObject(options) && Object.keys(options).length > 0;
}
