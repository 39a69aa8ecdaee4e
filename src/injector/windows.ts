import { isObject, type JsonObject } from '../base/json.ts';
import { objects, type PodView } from './pod.ts';

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'];
/** Only Windows nodes have this label. */
const BUILD_LABEL = 'node.kubernetes.io/windows-build';
/** Runtime classes can have any name; these are the ones that documentation and vendors use. */
const RUNTIME_CLASS = /windows|wcow/i;

/**
 * The field by which a pod requests Windows nodes; undefined if none does. The node requirements of a
 * RuntimeClass are in the pod's nodeSelector by the time a webhook sees the pod.
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

/** A node must match at least one term, and every expression of that term. */
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
  // With names as values, only In and NotIn are possible.
  return operator === 'In'
    ? named.every((name) => name === 'windows')
    : operator === 'NotIn' && named.includes('linux') && !named.includes('windows');
}

function hasOptions({ securityContext }: JsonObject): boolean {
  const options = isObject(securityContext) ? securityContext['windowsOptions'] : undefined;
  return isObject(options) && Object.keys(options).length > 0;
}
