import type { Readable } from 'node:stream';
import type { Origin } from './origins.ts';
import type { WrittenHeaders } from './written-headers.ts';

/** A request to the platform, without its origin. Headers are a flat list of names and values, in order. */
export interface UpstreamRequest {
  readonly method: string;
  /** The raw request target: path and query. May hold a token: never logged. */
  readonly target: string;
  readonly headers: readonly string[];
  /** The same, serialized, if the whole request is known to be writable. */
  readonly written?: WrittenHeaders | undefined;
  readonly body: UpstreamRequestBody | undefined;
  /** Signed calls stay on the first origin, because they are signed for its name. */
  readonly pinned: boolean;
  /** For an idempotent call of our own: if an origin does not respond in this time, the next one is tried. */
  readonly repeatAfterMs?: number;
}

/** A request body that can be read again, for the next origin or a replay. */
export interface UpstreamRequestBody {
  readonly bytes: number;
  /** Reads from the first byte; a small body that is complete is returned as its bytes. */
  open(): Buffer | Readable;
}

export interface CarriesDerived {
  derived: unknown;
  readonly like?: CarriesDerived | undefined;
}

/** Receives a response as it arrives. `failed` is called at most once, and nothing after it or after `end`. */
export interface ResponseSink {
  /**
   * `known` caches what was derived from the head. It is the same object for the same head, or else its `like` is that of
   * an earlier head which differs in the length of the body alone, if there was one.
   */
  head(
    status: number,
    reason: string,
    headers: readonly string[],
    origin: Origin,
    known?: CarriesDerived,
  ): void;
  /**
   * Returns `false` to ask for a pause until `resume` of the exchange. The chunk may be in the buffer that is read into: what
   * is kept must be kept by `copyIfShared`.
   */
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
  /** Ends the call; the sink receives nothing more. */
  abort(): void;
}
