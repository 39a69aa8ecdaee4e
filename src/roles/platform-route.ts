import { reasonOf } from '../upstream/attempt.ts';
import { Authorities } from '../upstream/authorities.ts';
import { Egress, type EgressStatus } from '../upstream/egress-proxy.ts';
import type { Upstream } from '../upstream/exchange.ts';
import { type OriginHealth, Origins } from '../upstream/origins.ts';
import { Pools } from '../upstream/pools.ts';
import type { RoleContext } from './role.ts';
import { routeMetrics } from './platform-route-metrics.ts';
import type { Settings } from '../settings/settings.ts';

/** The route of calls to the platform. */
export interface PlatformRoute {
  readonly upstream: Upstream;
  readonly authorities: Authorities;
  /** Applies what may change at runtime. Returns whether calls use a different route from now on. */
  reconfigure(settings: Settings): boolean;
  /** This part of `/status`. */
  status(): { readonly upstreams: readonly OriginHealth[]; readonly egressProxy?: EgressStatus | undefined };
}

export function makePlatformRoute(settings: Settings, { clock, log, metrics }: RoleContext): PlatformRoute {
  const counts = metrics.of(routeMetrics);
  const { connectMs, answerMs, idleMs } = settings.timeouts;
  const authorities = new Authorities(settings.tlsCaPem);
  const onFailure = (reason: string): void => counts.egressProxyFailed(reason);
  const egress = new Egress(settings.egressProxy, { clock, log, onFailure });
  const origins = new Origins(settings.upstreams, clock);
  const pools = new Pools({
    connectTimeoutMs: connectMs,
    answerTimeoutMs: answerMs,
    idleTimeoutMs: idleMs,
    resolve: settings.resolve,
    authorities,
    egress,
    clock,
    onUnreachable: (origin, error) => origins.failed(origin, reasonOf(error)),
  });
  return {
    upstream: { origins, pools, log, onFailover: (host) => counts.failedOver(host) },
    authorities,
    reconfigure(next) {
      authorities.use(next.tlsCaPem);
      const isOther = egress.use(next.egressProxy);
      if (isOther) pools.renew();
      return isOther;
    },
    status: () => ({ upstreams: origins.health(), egressProxy: egress.status() }),
  };
}
