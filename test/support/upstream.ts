import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Authorities } from '../../src/upstream/authorities.ts';
import type { Upstream } from '../../src/upstream/exchange.ts';
import { Origins } from '../../src/upstream/origins.ts';
import { Pools } from '../../src/upstream/pools.ts';

/** What sends requests to one origin, with connections of its own; close its pools at the end. */
export function upstreamAt(url: string): Upstream {
  const origins = new Origins([url], systemClock);
  const pools = new Pools({
    connectTimeoutMs: 5_000,
    answerTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    resolve: 'system',
    authorities: new Authorities(undefined),
    clock: systemClock,
  });
  return { origins, pools, log: silentLog, onFailover() {} };
}
