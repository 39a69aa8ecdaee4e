import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: Record<string, unknown>;
}

interface Template {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}

/** The pod that a controller would make of an example. */
export function podOfExample(name: string): Manifest {
  const { spec } = parse(readFileSync(`k8s/examples/${name}.yaml`, 'utf8')) as {
    spec: { template?: Template; jobTemplate?: { spec: { template: Template } } };
  };
  const template = spec.template ?? spec.jobTemplate?.spec.template;
  if (template === undefined) throw new Error(`There is no pod in ${name}`);
  const { labels, annotations } = template.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, ...(annotations && { annotations }) },
    spec: template.spec,
  };
}

export function podNamed(name: string, more: Partial<Manifest['metadata']> = {}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...more },
    spec: { containers: [{ name: 'app', image: 'orders:1' }] },
  };
}
