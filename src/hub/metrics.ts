import type { MetricRegistry } from '../server/metrics.ts';
import { statusLabel } from '../server/metric-labels.ts';

export interface HubMetrics {
  /** `call` is from a closed set: the route of the API, otherwise `other`. */
  answered(call: string, status: number): void;
  /** `read` returns the number of open token streams. */
  watchWatchers(read: () => number): void;
}

export function hubMetrics(registry: MetricRegistry): HubMetrics {
  let readWatchers: (() => number) | undefined;
  registry.readGauge({
    name: 'wechat_sidecar_hub_watchers',
    help: 'Open token streams.',
    read: () => readWatchers?.(),
  });
  const answers = registry.counter({
    name: 'wechat_sidecar_hub_requests_total',
    help: 'Hub API requests, by route and response status.',
    labelNames: ['call', 'status'],
  });
  return {
    answered: (call, status) => answers.inc({ call, status: statusLabel(status) }),
    watchWatchers: (read) => void (readWatchers = read),
  };
}
