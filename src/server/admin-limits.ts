import type { Rate } from '../base/rate-limit.ts';
import type { ListenerLimits } from './listen.ts';

/** The admin port of every role, used by the kubelet, Prometheus, and people. */
export const ADMIN_LIMITS: ListenerLimits = {
  connectionsMax: 256,
  unprovenMax: 128,
  hasManyPeers: true,
  needsWholeRequest: true,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  /** Longer than the time between two scrapes or probes. */
  keepAliveTimeoutMs: 75_000,
  stalledTimeoutMs: 30_000,
  checkIntervalMs: 5_000,
  headBytesMax: 16 * 1024,
  pipelinedMax: 8,
  bodyPauseMs: 0,
};

/** `?level=debug` or a body of one word; nothing longer is read. */
export const ADMIN_BODY_BYTES_MAX = 64;

/** How often /metrics and /status are rendered; more frequent requests get the last page. */
export const PAGE_RATE: Rate = { burst: 20, refillMs: 500 };
