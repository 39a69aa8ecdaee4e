import type { ListenerLimits } from '../server/listen.ts';

/** For the sidecars and programs of a whole cluster, many of which may share one address behind a gateway. */
export const HUB_LIMITS: ListenerLimits = {
  /** Enough for every watcher and the calls alongside them. */
  connectionsMax: 32_000,
  /** Each may have request headers or a body that never end. */
  unprovenMax: 2_000,
  hasManyPeers: true,
  needsWholeRequest: true,
  headersTimeoutMs: 15_000,
  /** Requests are small; a slower one only wants to hold a place. */
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 75_000,
  /** Longer than a relayed call takes, and longer than the heartbeat interval. */
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

/** All API calls in progress, and the maximum for one caller. */
export const CALL_LIMITS: ShareLimits = { max: 10_000, perCaller: 5_000 };

/**
 * Relayed calls wait up to a minute for the platform. They have their own limit, so that token requests
 * never wait behind them.
 */
export const RELAY_LIMITS: ShareLimits = { max: 1_000, perCaller: 250 };

/** For watch streams; no single caller can take all of them. */
export const WATCH_LIMITS: ShareLimits = { max: 20_000, perCaller: 10_000 };

export const BODY_LIMITS = {
  reportBytesMax: 4 * 1024,
  /** Before the sender is authenticated: a form or a request in the platform's format. */
  unknownBytesMax: 4 * 1024,
  /** Relayed calls have a body of about 100 bytes, and responses of less than 2 KiB. */
  relayBytesMax: 16 * 1024,
  relayAnswerBytesMax: 16 * 1024,
} as const;

/** A longer one is not a credential: projected tokens have about 1 KiB. */
export const CREDENTIAL_CHARS_MAX: number = 8 * 1024;
