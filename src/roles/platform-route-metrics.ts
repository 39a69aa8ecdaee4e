import { boundedLabels, HOSTS_MAX } from '../server/metric-labels.ts';
import type { MetricRegistry } from '../server/metrics.ts';

/** Metrics of connections to the platform, for every role that calls it. */
export interface RouteMetrics {
  failedOver(host: string): void;
  /** `reason` is from a closed set: why the egress proxy did not provide a connection. */
  egressProxyFailed(reason: string): void;
}

export function routeMetrics(registry: MetricRegistry): RouteMetrics {
  const failovers = registry.counter({
    name: 'wechat_sidecar_upstream_failovers_total',
    help: 'Calls that failed over to the next upstream because no connection to this host was possible.',
    labelNames: ['host'],
  });
  const egress = registry.counter({
    name: 'wechat_sidecar_egress_proxy_failures_total',
    help: 'Connections that the egress proxy did not provide, by reason.',
    labelNames: ['reason'],
  });
  const hosts = boundedLabels(HOSTS_MAX);
  return {
    failedOver: (host) => failovers.inc({ host: hosts(host) }),
    egressProxyFailed: (reason) => egress.inc({ reason }),
  };
}
