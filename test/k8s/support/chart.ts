import { runTool } from './tools.ts';

export const CHART = 'charts/wechat-sidecar';

export interface Choice {
  readonly kustomization: string;
  readonly values: readonly string[];
}

/** What an installation may choose, as kustomize and the chart are told of it. */
export const CHOICES: readonly Choice[] = [
  { kustomization: 'k8s/base', values: [] },
  { kustomization: 'k8s/overlays/dev', values: ['simulator.enabled=true'] },
  { kustomization: 'k8s/overlays/ha', values: ['redis.enabled=true', 'hub.replicas=3'] },
  {
    kustomization: 'test/k8s/overlays/everything',
    values: [
      'redis.enabled=true',
      'hub.replicas=3',
      'certManager.enabled=true',
      'hub.clients.enabled=true',
      'monitoring.enabled=true',
      'image.repository=registry.example.com/platform/wechat-sidecar',
      'image.tag=0.2.0',
    ],
  },
];

export function settingsOf(values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set', value]);
}

/** What `helm template` prints; throws where it fails. */
export async function helmTemplate(release: string, args: readonly string[]): Promise<string> {
  const { code, out, err } = await runTool('helm', ['template', release, CHART, ...args]);
  if (code !== 0) throw new Error(err);
  return out;
}

/** Under the names that the kustomizations have. */
export function chartOf({ values }: Choice): Promise<string> {
  return helmTemplate('wechat-sidecar', ['--namespace', 'wechat-sidecar', ...settingsOf(values)]);
}
