import type { Readable } from 'node:stream';
import type { Origin } from './origins.ts';

/** A request to the platform, less its origin. Headers are a flat list of names and values, in order. */
export interface UpstreamRequest {
  readonly method: string;
  /** The raw request target: path and query. May hold a token: never logged. */
  readonly target: string;
  readonly headers: readonly string[];
  /** The same as they are written, each a line, if all of the request is known to be writable. */
  readonly written?: string | undefined;
  readonly body: UpstreamRequestBody | undefined;
  /** Signed calls stay on the first origin, for whose name they are signed. */
  readonly pinned: boolean;
  /** A call of our own, which does no harm if it is executed twice: an origin that does not answer in this time is left for the next. */
  readonly repeatAfterMs?: number;
}

/** A request body that can be read again, for the next origin or a replay. */
export interface UpstreamRequestBody {
  readonly bytes: number;
  /** From the first byte on; a small body that is here whole comes as its bytes. */
  open(): Buffer | Readable;
}

/** Takes an answer as it comes. `failed` comes at most once, and nothing after it or after `end`. */
export interface ResponseSink {
  /** `known` stays the same for as long as the head does, and keeps what was made of it. */
  head(
    status: number,
    reason: string,
    headers: readonly string[],
    origin: Origin,
    known?: { derived: unknown },
  ): void;
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
