import { DESCRIPTORS_HINT, isOutOfDescriptors } from '../base/descriptors.ts';
import type { Log } from '../base/log.ts';
import { Attempt, type AttemptFailure } from './attempt.ts';
import type { Origin, Origins } from './origins.ts';
import type { Pools } from './pools.ts';
import type { AnswerSink, Exchange, Outgoing } from './request.ts';

export interface Upstream {
  readonly origins: Origins;
  readonly pools: Pools;
  readonly log: Log;
  readonly onFailover: (host: string) => void;
}

/** Looking up and connecting all origins together takes no longer: common SDKs give up at 3 s. */
export const CONNECT_MS_MAX = 2_500;

/** One sending over one origin. */
export interface Sending {
  resume(): void;
  abort(): void;
}

/** Begins to send over an origin, on a connection of its own if `fresh`, which has to stand within `limitMs`. */
export type Send = (to: {
  readonly origin: Origin;
  readonly fresh: boolean;
  readonly limitMs: number;
  readonly onConnected: () => void;
  readonly onAnswered: () => void;
  readonly onFailure: (failure: AttemptFailure) => void;
}) => Sending;

/** Sends one request, and tells the sink what comes of it. */
export function exchange(upstream: Upstream, request: Outgoing, sink: AnswerSink): Exchange {
  return withFailover(upstream, request, sink, (to) => {
    const attempt = new Attempt({ ...to, pools: upstream.pools, request, sink });
    attempt.start();
    return attempt;
  });
}

/**
 * The one place where a request goes on to another origin: a failure to connect does, for any method.
 * Once the request has been written nothing is tried again, unless it is certain that nobody has read it:
 * that is sent once more to the same origin, on a new connection.
 */
export function withFailover(
  { origins, log, onFailover, pools }: Upstream,
  { pinned, repeatAfterMs }: Pick<Outgoing, 'pinned' | 'repeatAfterMs'>,
  sink: Pick<AnswerSink, 'failed'>,
  send: Send,
): Exchange {
  const candidates = pinned ? [origins.first()] : origins.inOrder();
  let deadlineMs = pools.clock.lifeMs() + CONNECT_MS_MAX;
  let current: Sending | undefined;
  let ended = false;

  const onFailure = (origin: Origin, fresh: boolean, failure: AttemptFailure): void => {
    const { kind, reason, host } = failure;
    // What a caller that has left would have found out, the next one need not.
    if (kind === 'unreachable') origins.failed(origin, reason);
    if (ended) return;
    if (failure.isRepeatable && !fresh) {
      start(origin, true);
      return;
    }
    const wasSilent = kind === 'timeout' && repeatAfterMs !== undefined;
    if (wasSilent) {
      origins.timedOut(origin);
      deadlineMs = pools.clock.lifeMs() + CONNECT_MS_MAX;
    }
    if (isOutOfDescriptors(reason)) {
      log.error('no file descriptor is left for a connection', { reason, hint: DESCRIPTORS_HINT });
      sink.failed({ kind, reason, host });
      return;
    }
    const mayGoOn = wasSilent || (kind === 'unreachable' && pools.clock.lifeMs() < deadlineMs);
    const next = mayGoOn ? candidates.shift() : undefined;
    if (next !== undefined) {
      log.warn(wasSilent ? SILENT : UNCONNECTED, { host, reason });
      onFailover(host);
      start(next, false);
      return;
    }
    if (kind === 'unreachable') log.warn('no upstream can be connected', { host, reason });
    sink.failed({ kind, reason, host });
  };

  const start = (origin: Origin, fresh: boolean): void => {
    current = send({
      origin,
      fresh,
      limitMs: Math.max(0, deadlineMs - pools.clock.lifeMs()),
      onConnected: () => origins.connected(origin),
      onAnswered: () => origins.answered(origin),
      onFailure: (failure) => onFailure(origin, fresh, failure),
    });
  };

  start(candidates.shift() as Origin, false);
  return {
    resume: () => current?.resume(),
    abort() {
      ended = true;
      current?.abort();
    },
  };
}

const SILENT = 'upstream does not answer, going on to the next';
const UNCONNECTED = 'upstream cannot be connected, going on to the next';
