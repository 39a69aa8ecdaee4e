import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { PlainExchange } from '../server/plain-exchange.ts';
import type { Fields } from '../server/plain-fields.ts';
import type { HeadLines } from '../server/plain-response.ts';
import {
  type CallBody,
  discardRest,
  KeptBody,
  NO_MEMORY,
  ReplayBudget,
  WholeBody,
  wholeBody,
} from './body.ts';

/** The parts of a request that are examined. */
export interface CallRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  /** A flat list of names and values. */
  readonly rawHeaders: readonly string[];
  /** Set for a plain request. */
  readonly fields?: Fields;
  readonly socket?: object;
}

/** What a response is written to. */
export interface CallResponse {
  readonly headersSent: boolean;
  /** `headers` are a flat list. Throws if they cannot be written. */
  writeHead(status: number, reason: string, headers: string[]): unknown;
  /** The same with precomputed header lines and additional ones. Only the express lane has it. */
  writeLines?(status: number, reason: string, lines: HeadLines, further: string): unknown;
  /** Whether the memory of a chunk may be used again once `write` returns. Only in the express lane. */
  readonly keepsNoChunk?: true;
  /** Returns `false` to ask for a pause until `drain`. */
  write(chunk: Buffer): boolean;
  end(chunk?: Buffer): unknown;
  addTrailers(trailers: [string, string][]): void;
  destroy(): unknown;
  on(event: 'drain', run: () => void): unknown;
}

/** The caller's side of one call, in either lane. */
export interface Caller {
  readonly request: CallRequest;
  readonly response: CallResponse;
  /** For http-proxy; only calls of the general lane pass through. */
  readonly http: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
  /** The length of the body, as far as it was announced. */
  readonly bytesIn: number;
  /** `left` is called if the caller disconnects before its response is complete. */
  watch(left: () => void): void;
  /**
   * Starts to read the body. A chunked one is awaited, because the platform rejects chunked requests; one with a length
   * is kept for a replay if `keep` is set and `bytesMax` allows.
   */
  takeBody(keep: boolean, bytesMax: number, budget: ReplayBudget): CallBody | Promise<CallBody>;
  /** The whole body; `undefined` if it is over `bytesMax` or never arrived. */
  readBody(bytesMax: number): Promise<Buffer | undefined>;
  /** The call is over. */
  close(): void;
}

/** A caller in the general lane, which is node:http. */
export class HttpCaller implements Caller {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #expectsContinue: boolean;
  #left: (() => void) | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    this.request = request;
    this.response = response;
    this.#expectsContinue = expectsContinue;
  }

  get http(): { readonly request: IncomingMessage; readonly response: ServerResponse } {
    return this;
  }

  get bytesIn(): number {
    return Number(this.request.headers['content-length'] ?? 0);
  }

  watch(left: () => void): void {
    this.#left = left;
    // Listens on the connection: a response queued behind another gets no close event.
    this.request.socket.setMaxListeners(0).once('close', this.#onClose);
  }

  readonly #onClose = (): void => {
    if (!this.response.writableFinished) this.#left?.();
  };

  takeBody(keep: boolean, bytesMax: number, budget: ReplayBudget): CallBody | Promise<CallBody> {
    const { headers } = this.request;
    const chunked = headers['transfer-encoding'] !== undefined;
    const bytes = Number(headers['content-length'] ?? 0);
    if (!chunked && bytes === 0) return { kind: 'none' };
    // A caller may wait for this before it sends its body.
    if (this.#expectsContinue) this.response.writeContinue();
    if (!chunked && (!keep || bytes > bytesMax)) return { kind: 'streamed', bytes };
    const body = new KeptBody(this.request, chunked ? undefined : bytes, budget);
    return chunked ? wholeBody(body, bytesMax) : { kind: 'kept', body };
  }

  async readBody(bytesMax: number): Promise<Buffer | undefined> {
    const { headers } = this.request;
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) {
      return Buffer.alloc(0);
    }
    if (this.#expectsContinue) this.response.writeContinue();
    // Small and answered at once, so it does not count against the replay budget.
    const body = new KeptBody(this.request, undefined, new ReplayBudget(bytesMax + 64 * 1024));
    const arrival = await body.whole(bytesMax);
    const whole = arrival === 'whole' ? body.open() : undefined;
    body.release();
    return Buffer.isBuffer(whole) ? whole : undefined;
  }

  close(): void {
    this.#left = undefined;
    this.request.socket.off('close', this.#onClose);
    discardRest(this.request);
  }
}

/** A caller in the express lane: its request is plain and has arrived completely. */
export class PlainCaller implements Caller {
  readonly request: PlainExchange;
  readonly response: PlainExchange['response'];
  readonly http = undefined;

  constructor(exchange: PlainExchange) {
    this.request = exchange;
    this.response = exchange.response;
  }

  get bytesIn(): number {
    return this.request.body.length;
  }

  watch(left: () => void): void {
    this.request.onLeft = left;
  }

  takeBody(_: boolean, __: number, budget: ReplayBudget): CallBody {
    const { body, fields } = this.request;
    if (body.length === 0) return { kind: 'none' };
    const whole = new WholeBody(body, budget);
    return fields.framing === 'chunked' && !whole.replayable ? NO_MEMORY : { kind: 'kept', body: whole };
  }

  readBody(bytesMax: number): Promise<Buffer | undefined> {
    const { body } = this.request;
    return Promise.resolve(body.length > bytesMax ? undefined : body);
  }

  close(): void {
    this.request.onLeft = undefined;
    this.request.over();
  }
}
