import { APPS_MAX, boundedLabels } from '../server/metric-labels.ts';
import type { MetricRegistry, Metrics } from '../server/metrics.ts';
import { errcodeLabel } from '../wechat/errcode-labels.ts';
import type { KeeperObserver } from './observer.ts';

/** For whoever has tokens, from a keeper or from a hub. */
export interface TokenMetrics {
  /** Unix time in milliseconds. */
  expiresAt(appid: string, unixMs: number): void;
  /** The account is no longer served. */
  gone(appid: string): void;
}

export function tokenMetrics(registry: MetricRegistry): TokenMetrics {
  const expires = registry.gauge({
    name: 'wechat_sidecar_token_expires_timestamp_seconds',
    help: 'When the current token expires, as Unix time.',
    labelNames: ['app'],
  });
  const apps = boundedLabels(APPS_MAX);
  return {
    expiresAt: (appid, unixMs) => expires.set({ app: apps(appid) }, unixMs / 1000),
    gone: (appid) => expires.remove({ app: apps(appid) }),
  };
}

export interface CountingObserver extends KeeperObserver {
  /** The account is no longer served. */
  gone(appid: string): void;
}

/** Counts what keepers do, and shows the tokens that they have. */
export function countingObserver(metrics: Metrics): CountingObserver {
  const tokens = metrics.of(tokenMetrics);
  const keepers = metrics.of(keeperMetrics);
  return {
    ...keepers,
    tokenChanged: ({ appid, expiresAtUnixMs }) => tokens.expiresAt(appid, expiresAtUnixMs),
    gone(appid) {
      tokens.gone(appid);
      keepers.gone(appid);
    },
  };
}

function keeperMetrics(registry: MetricRegistry): Omit<CountingObserver, 'tokenChanged'> {
  const refreshes = registry.counter({
    name: 'wechat_sidecar_token_refreshes_total',
    help: 'Token refreshes, by trigger and result.',
    labelNames: ['app', 'trigger', 'result'],
  });
  const failures = registry.counter({
    name: 'wechat_sidecar_token_fetch_failures_total',
    help: 'Calls to the token endpoint that returned no token; errcode none: not reached, or an unreadable response.',
    labelNames: ['app', 'errcode'],
  });
  const looks = registry.counter({
    name: 'wechat_sidecar_token_looks_total',
    help: 'Checks with the platform whether it accepts a token that was reported as refused, by outcome.',
    labelNames: ['app', 'outcome'],
  });
  const rationed = registry.gauge({
    name: 'wechat_sidecar_token_rationed',
    help: '1 while a refused token cannot be replaced because no more refreshes are allowed, otherwise 0.',
    labelNames: ['app'],
  });
  const apps = boundedLabels(APPS_MAX);
  return {
    refreshed: ({ appid, trigger, result }) => refreshes.inc({ app: apps(appid), trigger, result }),
    fetchFailed: ({ appid, errcode }) => failures.inc({ app: apps(appid), errcode: errcodeLabel(errcode) }),
    looked: ({ appid, outcome }) => looks.inc({ app: apps(appid), outcome }),
    rationed: ({ appid, isRationed }) => rationed.set({ app: apps(appid) }, isRationed ? 1 : 0),
    gone: (appid) => rationed.remove({ app: apps(appid) }),
  };
}
