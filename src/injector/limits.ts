import type { ListenerLimits } from '../server/listen.ts';

/** The only client of the webhook is the API server. A TLS connection takes about 100 KiB. */
export const INJECTOR_LIMITS: ListenerLimits = {
  /** An API server opens one for each review in progress. */
  connectionsMax: 512,
  unprovenMax: 256,
  hasManyPeers: false,
  /** An API server sends a review in one go, so a slow sender is not an API server. */
  needsWholeRequest: true,
  /** The TLS handshake and the request headers: API servers send both as fast as the network allows. */
  headersTimeoutMs: 10_000,
  /** API servers wait at most 30 s for a webhook. */
  requestTimeoutMs: 30_000,
  /** Longer than an API server keeps an idle connection (90 s), so that the API server closes it first. */
  keepAliveTimeoutMs: 120_000,
  stalledTimeoutMs: 30_000,
  checkIntervalMs: 5_000,
  headBytesMax: 16 * 1024,
  pipelinedMax: 8,
  bodyPauseMs: 0,
};
