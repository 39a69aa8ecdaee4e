import type { MetricRegistry } from './metrics.ts';

export interface ConnectionMetrics {
  /** Counts connections that a listener closed to make room for others. The reasons are from a closed set. */
  cutBy(listener: 'business' | 'transparent' | 'admin'): (reason: string) => void;
}

export function connectionMetrics(registry: MetricRegistry): ConnectionMetrics {
  const cut = registry.counter({
    name: 'wechat_sidecar_connections_cut_total',
    help: 'Connections closed to make room for others.',
    labelNames: ['listener', 'reason'],
  });
  return { cutBy: (listener) => (reason) => cut.inc({ listener, reason }) };
}
