import type { ListenerLimits } from '../server/listen.ts';

/** The webhook, whose one peer is the API server. With TLS a connection takes some 100 KiB. */
export const INJECTOR_LIMITS: ListenerLimits = {
  /** An API server opens one for each review under way. */
  connectionsMax: 512,
  unprovenMax: 256,
  hasManyPeers: false,
  /** An API server sends a review in one go, so whoever is long at it is somebody else. */
  needsWholeRequest: true,
  /** TLS and the head of a request: API servers send both as fast as the network goes. */
  headersTimeoutMs: 10_000,
  /** API servers wait for a webhook for 30 s at most. */
  requestTimeoutMs: 30_000,
  /** Longer than an API server keeps an idle connection (90 s), so that it is the one who closes. */
  keepAliveTimeoutMs: 120_000,
  stalledTimeoutMs: 30_000,
  checkIntervalMs: 5_000,
  headBytesMax: 16 * 1024,
  pipelinedMax: 8,
  bodyPauseMs: 0,
};
