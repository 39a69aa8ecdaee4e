import { isObject, type JsonObject } from '../base/json.ts';
/** The parts of a pod that a decision needs. The pod itself stays raw: its other fields are none of our business. */
export interface PodView {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly metadata: JsonObject;
  readonly spec: JsonObject;
  readonly containers: readonly JsonObject[];
  readonly initContainers: readonly JsonObject[];
}

/** Undefined where this is no pod at all. */
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

/** Items that are no objects keep their place, so that an index here is an index there. */
export function objects(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isObject(item) ? item : {})) : [];
}

function texts(mapping: unknown): Readonly<Record<string, string>> {
  if (!isObject(mapping)) return {};
  return Object.fromEntries(
    Object.entries(mapping).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
