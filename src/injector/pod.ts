import { isObject, type JsonObject } from '../base/json.ts';
/**
 * The parts of a pod that decisions depend on. The pod itself stays raw: we do not touch its other fields.
 */
export interface PodView {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly metadata: JsonObject;
  readonly spec: JsonObject;
  readonly containers: readonly JsonObject[];
  readonly initContainers: readonly JsonObject[];
}

/** Returns undefined if this is not a pod. */
export function viewOf(pod: unknown): PodView | undefined {
  if (!isObject(pod) || !isObject(pod['metadata']) || !isObject(pod['spec'])) return undefined;
  const { metadata, spec } = pod;
  return {
    labels: texts(metadata['labels']),
    annotations: texts(metadata['annotations']),
    metadata,
    spec,
    containers: objects(spec['containers']),
    initContainers: objects(spec['initContainers']),
  };
}

/** Items that are not objects keep their place, so that the indexes match those of the list. */
export function objects(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isObject(item) ? item : {})) : [];
}

function texts(mapping: unknown): Readonly<Record<string, string>> {
  if (!isObject(mapping)) return {};
  return Object.fromEntries(
    Object.entries(mapping).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
