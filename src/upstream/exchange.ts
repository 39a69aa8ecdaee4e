import { DESCRIPTORS_HINT, isOutOfDescriptors } from '../base/descriptors.ts';
import type { Log } from '../base/log.ts';
import { Attempt, type AttemptFailure, type SendTo } from './attempt.ts';
import type { Origin, Origins } from './origins.ts';
import type { Pools } from './pools.ts';
import type { ResponseSink, Exchange, UpstreamRequest } from './request.ts';

export interface Upstream {
  readonly origins: Origins;
  readonly pools: Pools;
  readonly log: Log;
  readonly onFailover: (host: string) => void;
}

/** The limit for looking up and connecting all origins together: common SDKs give up after 3 s. */
export const CONNECT_MS_MAX = 2_500;

/** One attempt at one origin. */
export interface Sending {
  resume(): void;
  abort(): void;
}

/** Starts an attempt at an origin. */
export type Send = (to: SendTo) => Sending;

/** Sends one request and passes the outcome to the sink. */
export function exchange(upstream: Upstream, request: UpstreamRequest, sink: ResponseSink): Exchange {
  return withFailover(upstream, request, sink, (to) => {
    const attempt = new Attempt(upstream.pools, request, sink, to);
    attempt.start();
    return attempt;
  });
}

/**
 * The only place where a request moves to another origin: after a failure to connect, for any method. Once the request
 * has been written it is not retried, unless it is certain that no server has read it: then it is sent once more to the
 * same origin, on a new connection.
 */
export function withFailover(
  upstream: Upstream,
  { pinned, repeatAfterMs }: Pick<UpstreamRequest, 'pinned' | 'repeatAfterMs'>,
  sink: Pick<ResponseSink, 'failed'>,
  send: Send,
): Exchange {
  const candidates = pinned ? [upstream.origins.first()] : upstream.origins.inOrder();
  const failover = new Failover(upstream, candidates, repeatAfterMs !== undefined, sink, send);
  failover.start(candidates[0] as Origin, false);
  return failover;
}

class Failover implements Exchange {
  readonly #upstream: Upstream;
  readonly #candidates: readonly Origin[];
  readonly #isRepeatable: boolean;
  readonly #sink: Pick<ResponseSink, 'failed'>;
  readonly #send: Send;
  #tried = 1;
  /** Counted from the first wait for a connection. */
  #deadlineMs: number | undefined;
  #current: Sending | undefined;
  #ended = false;

  constructor(
    upstream: Upstream,
    candidates: readonly Origin[],
    isRepeatable: boolean,
    sink: Pick<ResponseSink, 'failed'>,
    send: Send,
  ) {
    this.#upstream = upstream;
    this.#candidates = candidates;
    this.#isRepeatable = isRepeatable;
    this.#sink = sink;
    this.#send = send;
  }

  resume(): void {
    this.#current?.resume();
  }

  abort(): void {
    this.#ended = true;
    this.#current?.abort();
  }

  start(origin: Origin, fresh: boolean): void {
    this.#current = this.#send(new To(this.#upstream.origins, this, origin, fresh));
  }

  get leftMs(): number {
    const nowMs = this.#upstream.pools.clock.monotonicMs();
    this.#deadlineMs ??= nowMs + CONNECT_MS_MAX;
    return Math.max(0, this.#deadlineMs - nowMs);
  }

  onFailure(origin: Origin, fresh: boolean, failure: AttemptFailure): void {
    const { origins, log, onFailover } = this.#upstream;
    const { kind, reason, host } = failure;
    // The next caller need not find out again what was learned for one that has left.
    if (kind === 'unreachable') origins.failed(origin, reason);
    if (this.#ended) return;
    if (failure.isRepeatable && !fresh) {
      this.start(origin, true);
      return;
    }
    const wasSilent = kind === 'timeout' && this.#isRepeatable;
    if (wasSilent) {
      origins.timedOut(origin);
      this.#deadlineMs = undefined;
    }
    if (isOutOfDescriptors(reason)) {
      log.error('out of file descriptors for upstream connections', { reason, hint: DESCRIPTORS_HINT });
      this.#sink.failed({ kind, reason, host });
      return;
    }
    const mayGoOn = wasSilent || (kind === 'unreachable' && this.leftMs > 0);
    const next = mayGoOn ? this.#candidates[this.#tried] : undefined;
    if (next !== undefined) {
      this.#tried += 1;
      log.warn(wasSilent ? SILENT : UNCONNECTED, { host, reason });
      onFailover(host);
      this.start(next, false);
      return;
    }
    if (kind === 'unreachable') log.warn('no upstream is reachable', { host, reason });
    this.#sink.failed({ kind, reason, host });
  }
}

class To implements SendTo {
  readonly #origins: Origins;
  readonly #failover: Failover;
  readonly origin: Origin;
  readonly fresh: boolean;

  constructor(origins: Origins, failover: Failover, origin: Origin, fresh: boolean) {
    this.#origins = origins;
    this.#failover = failover;
    this.origin = origin;
    this.fresh = fresh;
  }

  get limitMs(): number {
    return this.#failover.leftMs;
  }

  onConnected(): void {
    this.#origins.connected(this.origin);
  }

  onAnswered(): void {
    this.#origins.answered(this.origin);
  }

  onFailure(failure: AttemptFailure): void {
    this.#failover.onFailure(this.origin, this.fresh, failure);
  }
}

const SILENT = 'upstream timed out; trying the next';
const UNCONNECTED = 'upstream connection failed; trying the next';
