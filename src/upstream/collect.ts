import { BoundedBytes } from '../base/bounded-bytes.ts';
import { copyIfShared } from '../base/read-buffer.ts';
import { codingsOf, decoded } from './content-coding.ts';
import { exchange, type Upstream } from './exchange.ts';
import type { Exchange, ResponseSink, TransportFailure, UpstreamRequest } from './request.ts';

export interface CollectedResponse {
  readonly status: number;
  readonly headers: readonly string[];
  /** Decoded; of a response that is too large, what came before the limit. */
  readonly body: Buffer;
}

export type Collected = SinkOutcome | typeof ABORTED;

export const ABORTED = { kind: 'aborted' } as const;

export type SinkOutcome =
  | { readonly kind: 'response' | 'too_large'; readonly response: CollectedResponse }
  | { readonly kind: 'failed'; readonly failure: TransportFailure };

/** Sends a request and collects its response, until the signal is aborted. */
export function collect(
  upstream: Upstream,
  request: UpstreamRequest,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Collected> {
  return new Promise((resolve) => {
    let call: Exchange | undefined;
    const onAbort = (): void => {
      call?.abort();
      resolve(ABORTED);
    };
    const sink = new CollectingSink(bytesMax, (collected) => {
      // Node 20 keeps a signal that was combined of others, and all that listens to it, as long as anything does.
      signal.removeEventListener('abort', onAbort);
      if (collected.kind === 'too_large') call?.abort();
      resolve(collected);
    });
    signal.addEventListener('abort', onAbort, { once: true });
    call = exchange(upstream, request, sink);
  });
}

/**
 * Collects a response of at most `bytesMax`, encoded and decoded. `done` is called once. When a response is too large,
 * it is up to `done` to abort the exchange.
 */
export class CollectingSink implements ResponseSink {
  readonly #done: (collected: SinkOutcome) => void;
  readonly #bytesMax: number;
  readonly #bytes: BoundedBytes;
  #status = 0;
  #headers: readonly string[] = [];
  #isOver = false;

  constructor(bytesMax: number, done: (collected: SinkOutcome) => void) {
    this.#bytesMax = bytesMax;
    this.#bytes = new BoundedBytes(bytesMax);
    this.#done = done;
  }

  head(status: number, _: string, headers: readonly string[]): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Buffer): boolean {
    if (!this.#isOver && !this.#bytes.push(copyIfShared(chunk))) this.#end('too_large');
    return true;
  }

  end(): void {
    if (!this.#isOver) this.#end('response');
  }

  failed(failure: TransportFailure): void {
    if (!this.#isOver) this.#done({ kind: 'failed', failure });
    this.#isOver = true;
  }

  #end(kind: 'response' | 'too_large'): void {
    this.#isOver = true;
    const [status, headers] = [this.#status, this.#headers];
    // Forwarders encode responses unasked.
    const body = decoded(this.#bytes.whole(), codingsOf(headers), this.#bytesMax);
    this.#done({ kind, response: { status, headers, body } });
  }
}
