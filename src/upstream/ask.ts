import type { Clock } from '../base/clock.ts';
import type { Ask, AskOutcome, AskRequest } from '../wechat/ask.ts';
import { codingsOf, decoded } from './content-coding.ts';
import { CONNECT_MS_MAX, exchange, type Upstream } from './exchange.ts';
import type { ResponseSink, Exchange, UpstreamRequest, TransportFailure } from './request.ts';
import { misconfiguration } from './transport-words.ts';

/** Larger than any response to a call of our own; the rest is cut off. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Our own calls use the same origins, pools and failover as the business calls. */
export function makeAsk(upstream: Upstream, clock: Clock): Ask {
  return (request) =>
    new Promise((resolve) => {
      let call: Exchange | undefined;
      // Each origin has its own timeout; this one is for a response that trickles in.
      const limitMs = CONNECT_MS_MAX + request.timeoutMs * (upstream.origins.health().length + 1);
      const timer = clock.after(limitMs, () => {
        call?.abort();
        resolve({ kind: 'failed', sent: true, reason: 'timeout' });
      });
      const settle = (outcome: AskOutcome): void => {
        timer.cancel();
        resolve(outcome);
      };
      const sink = new CollectingSink(settle, () => call?.abort());
      call = exchange(upstream, outgoingOf(request), sink);
    });
}

function outgoingOf({ method, path, body, headers = [], timeoutMs }: AskRequest): UpstreamRequest {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  return {
    method,
    target: path,
    headers: [
      'accept',
      'application/json',
      // Forwarders encode responses anyway, which is why codings are decoded.
      'accept-encoding',
      'identity',
      ...(bytes === undefined ? [] : ['content-type', 'application/json']),
      ...headers,
    ],
    body: bytes === undefined ? undefined : { bytes: bytes.length, open: () => bytes },
    pinned: false,
    repeatAfterMs: timeoutMs,
  };
}

class CollectingSink implements ResponseSink {
  readonly #settle: (outcome: AskOutcome) => void;
  readonly #abort: () => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #dateMs: number | undefined;
  #codings: readonly string[] = [];

  constructor(settle: (outcome: AskOutcome) => void, abort: () => void) {
    this.#settle = settle;
    this.#abort = abort;
  }

  head(status: number, _: string, headers: string[]): void {
    this.#status = status;
    this.#codings = codingsOf(headers);
    const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'date');
    const dateMs = at === -1 ? NaN : Date.parse(headers[at + 1] ?? '');
    this.#dateMs = Number.isNaN(dateMs) ? undefined : dateMs;
  }

  data(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES_MAX) {
      this.#abort();
      this.end();
      return true;
    }
    this.#chunks.push(chunk);
    return true;
  }

  end(): void {
    this.#settle({
      kind: 'answer',
      status: this.#status,
      body: decoded(Buffer.concat(this.#chunks), this.#codings, ANSWER_BYTES_MAX),
      ...(this.#dateMs === undefined ? {} : { dateMs: this.#dateMs }),
    });
  }

  failed({ kind, reason }: TransportFailure): void {
    const misconfigured = misconfiguration(reason);
    this.#settle({
      kind: 'failed',
      sent: kind !== 'unreachable',
      reason,
      ...(misconfigured !== undefined && { misconfigured }),
    });
  }
}
