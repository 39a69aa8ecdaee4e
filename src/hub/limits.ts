import type { ListenerLimits } from '../server/listen.ts';

/** Sidecars and programs of a whole cluster, of which many may share one address behind a gateway. */
export const HUB_LIMITS: ListenerLimits = {
  /** Room for every watcher, and for the calls beside them. */
  connectionsMax: 32_000,
  /** Each may hold a head or body that never ends. */
  unprovenMax: 2_000,
  hasManyPeers: true,
  needsWholeRequest: true,
  headersTimeoutMs: 15_000,
  /** Requests are small; one that is slower than this is somebody who only wants to hold a place. */
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 75_000,
  /** Longer than a relay takes, and than the time between two heartbeats. */
  stalledTimeoutMs: 90_000,
  checkIntervalMs: 5_000,
  /** A watch may name a thousand accounts. */
  headBytesMax: 32 * 1024,
  pipelinedMax: 8,
  bodyPauseMs: 0,
};

export interface ShareLimits {
  readonly max: number;
  readonly perCaller: number;
}

/** All calls of the API that are in work, and how many of them one caller may have. */
export const CALL_LIMITS: ShareLimits = { max: 10_000, perCaller: 5_000 };

/**
 * Calls that the hub makes for others wait for the platform, for up to a minute each. They have places of
 * their own, so that questions for tokens never wait behind them.
 */
export const RELAY_LIMITS: ShareLimits = { max: 1_000, perCaller: 250 };

/** Streams of tokens; no single caller can take all the room. */
export const WATCH_LIMITS: ShareLimits = { max: 20_000, perCaller: 10_000 };

export const BODY_LIMITS = {
  reportBytesMax: 4 * 1024,
  /** Before its sender is recognised: of a form or a question in the platform's shape. */
  unknownBytesMax: 4 * 1024,
  /** The calls that are relayed have a body of some 100 bytes, and are answered with less than 2 KiB. */
  relayBytesMax: 16 * 1024,
  relayAnswerBytesMax: 16 * 1024,
} as const;

/** What is longer is no credential: projected tokens have about 1 KiB. */
export const CREDENTIAL_CHARS_MAX: number = 8 * 1024;
