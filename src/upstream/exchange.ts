import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Log } from '../base/log.ts';
import type { Origin, Origins } from './origins.ts';
import type { Carrier, Pools } from './pools.ts';

/** A request to the platform, less its origin. Headers are a flat list of names and values, in order. */
export interface Outgoing {
  readonly method: string;
  /** The raw request target: path and query. May hold a token: never logged. */
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: OutgoingBody | undefined;
  /** Signed calls stay on the first origin, for whose name they are signed. */
  readonly pinned: boolean;
}

/** A request body that can be read again, for the next origin or a replay. */
export interface OutgoingBody {
  readonly bytes: number;
  /** From the first byte on; a small body that is here whole comes as its bytes. */
  open(): Buffer | Readable;
}

/** Takes an answer as it comes. `failed` comes at most once, and nothing after it or after `end`. */
export interface AnswerSink {
  head(status: number, reason: string, headers: string[], origin: Origin): void;
  /** `false` asks for a pause until `resume` of the exchange. */
  data(chunk: Buffer): boolean;
  end(trailers: string[]): void;
  failed(failure: TransportFailure): void;
}

export interface TransportFailure {
  /**
   * `unreachable`: no origin could be connected, nothing was sent. `broken` and `timeout`: it was sent
   * and may have been executed. `invalid`: the request cannot be written as HTTP.
   */
  readonly kind: 'unreachable' | 'broken' | 'timeout' | 'invalid';
  /** A code such as ECONNREFUSED; holds no part of the request. */
  readonly reason: string;
  readonly host: string;
}

export interface Exchange {
  resume(): void;
  /** Ends the call; the sink hears nothing more. */
  abort(): void;
}

export interface Upstream {
  readonly origins: Origins;
  readonly pools: Pools;
  readonly log: Log;
  readonly onFailover: (host: string) => void;
}

/**
 * Sends one request: a failure to connect goes on to the next origin, for any method; once the request
 * has been written nothing is tried again, but a GET or HEAD without a body that died on a connection
 * that had been idle, before any byte of the answer. That is sent once more, on a new connection.
 */
export function exchange(upstream: Upstream, request: Outgoing, sink: AnswerSink): Exchange {
  const candidates = request.pinned ? [upstream.origins.first()] : upstream.origins.inOrder();
  let current: Attempt | undefined;
  let ended = false;

  const start = (origin: Origin, afresh: boolean): void => {
    current = new Attempt(upstream, request, sink, origin, (failure, died) => {
      if (ended) return;
      const next = failure.kind === 'unreachable' ? nextOrigin(upstream, candidates, failure) : undefined;
      if (next !== undefined) start(next, false);
      else if (died === 'idle' && !afresh && isRepeatable(request)) start(origin, true);
      else sink.failed(failure);
    });
    current.send(afresh);
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

/** Where to go on after an origin that cannot be connected; takes it off the candidates, and says so. */
export function nextOrigin(
  { log, onFailover }: Upstream,
  candidates: Origin[],
  { host, reason }: TransportFailure,
): Origin | undefined {
  const next = candidates.shift();
  if (next === undefined) {
    log.warn('no upstream can be connected', { host, reason });
    return undefined;
  }
  log.warn('upstream cannot be connected, going on to the next', { host, reason });
  onFailover(host);
  return next;
}

function isRepeatable(request: Outgoing): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && request.body === undefined;
}

type OnFailure = (failure: TransportFailure, died: 'idle' | 'otherwise') => void;

/** One sending of a request over one origin. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #upstream: Upstream;
  readonly #request: Outgoing;
  readonly #sink: AnswerSink;
  readonly #origin: Origin;
  readonly #onFailure: OnFailure;
  #carrier: Carrier | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #progress: 'connecting' | 'sent' | 'answered' = 'connecting';
  #reused = false;
  #status = 0;
  #aborted = false;

  constructor(upstream: Upstream, request: Outgoing, sink: AnswerSink, origin: Origin, onFailure: OnFailure) {
    this.#upstream = upstream;
    this.#request = request;
    this.#sink = sink;
    this.#origin = origin;
    this.#onFailure = onFailure;
  }

  send(afresh: boolean): void {
    const { method, target, headers, body } = this.#request;
    const call = {
      method,
      path: target,
      headers: body === undefined ? [...headers] : [...headers, 'content-length', String(body.bytes)],
      body: body === undefined ? null : body.open(),
      onCarrier: (carrier: Carrier) => {
        this.#carrier = carrier;
      },
    };
    const { pools } = this.#upstream;
    if (afresh) pools.dispatchAfresh(this.#origin.url, call, this);
    else pools.dispatch(this.#origin.url, call, this);
  }

  resume(): void {
    this.#controller?.resume();
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(new Error('The caller is gone'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted) {
      controller.abort(new Error('The caller is gone'));
      return;
    }
    this.#progress = 'sent';
    this.#reused = this.#carrier?.startCall() ?? false;
    this.#upstream.origins.connected(this.#origin);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _: unknown,
    reason?: string,
  ): void {
    if (status < 200 || this.#aborted) return;
    this.#progress = 'answered';
    this.#status = status;
    this.#sink.head(status, reason ?? '', latin1(controller.rawHeaders), this.#origin);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#aborted && !this.#sink.data(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#aborted) this.#sink.end(latin1(controller.rawTrailers));
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    const reason = reasonOf(error);
    const kind = this.#kindOf(error);
    // What a caller that has left would have found out, the next one need not.
    if (kind === 'unreachable') this.#upstream.origins.failed(this.#origin, reason);
    if (this.#aborted) return;
    // A 304 may tell the length of what it does not send (RFC 9110, section 8.6).
    if (this.#status === 304 && reason === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
      this.#sink.end([]);
      return;
    }
    const diedIdle = this.#progress === 'sent' && this.#reused && this.#carrier?.hasHeard() === false;
    const died = kind === 'broken' && diedIdle ? 'idle' : 'otherwise';
    this.#onFailure({ kind, reason, host: this.#origin.host }, died);
  }

  #kindOf(error: Error): TransportFailure['kind'] {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'invalid';
    if (this.#progress === 'connecting') return 'unreachable';
    return code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT' ? 'timeout' : 'broken';
  }
}

/** A code, never the error's message: messages may quote the request. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  return (error as NodeJS.ErrnoException).code ?? error.name;
}

function latin1(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
