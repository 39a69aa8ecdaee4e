import type { MetricRegistry } from '../server/metrics.ts';
import type { ReviewOutcome } from './review.ts';

export interface InjectorMetrics {
  /** `reason` is from a closed set: why a pod was skipped, otherwise `none`. */
  podReviewed(result: ReviewOutcome['result'] | 'failed', reason: string): void;
  /** Our CA was removed from the webhook configuration, and we restored it. */
  trustRepaired(): void;
  /** `read` returns the Unix time in milliseconds at which the webhook's certificate expires, once there is one. */
  watchCertificate(read: () => number | undefined): void;
}

export function injectorMetrics(registry: MetricRegistry): InjectorMetrics {
  const reviews = registry.counter({
    name: 'wechat_sidecar_injections_total',
    help: 'Pods that the API server submitted to the injector, by result.',
    labelNames: ['result', 'reason'],
  });
  const repairs = registry.counter({
    name: 'wechat_sidecar_webhook_trust_repairs_total',
    help: 'Times that the caBundle of the webhook configuration was changed by somebody else and restored.',
  });
  let readExpiryMs: (() => number | undefined) | undefined;
  registry.readGauge({
    name: 'wechat_sidecar_webhook_certificate_expires_timestamp_seconds',
    help: 'When the certificate of the webhook expires, as Unix time.',
    read() {
      const expiresMs = readExpiryMs?.();
      return expiresMs === undefined ? undefined : expiresMs / 1000;
    },
  });
  return {
    podReviewed: (result, reason) => reviews.inc({ result, reason }),
    trustRepaired: () => repairs.inc({}),
    watchCertificate: (read) => void (readExpiryMs = read),
  };
}
