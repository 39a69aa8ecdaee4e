import { copyIfShared } from '../base/read-buffer.ts';
import { decoded } from '../upstream/content-coding.ts';
import { type Injected, redactedBody, redactedHeader, redactedHeaders } from '../upstream/injected.ts';
import type { CarriesDerived, ResponseSink, TransportFailure } from '../upstream/request.ts';
import type { Origin } from '../upstream/origins.ts';
import { beginningOf } from '../wechat/answer-body.ts';
import { judge, JUDGED_BYTES_MAX, NO_VERDICT, type Verdict } from '../wechat/verdict.ts';
import type { CallResponse } from './caller.ts';
import { answerHeaders, rewrittenHeaders } from './headers.ts';
import { type KnownAnswer, knownAnswerOf, writableReason } from './known-answer.ts';
import type { OwnHeaders } from './own-headers.ts';

export interface UpstreamResponseHead {
  readonly status: number;
  readonly reason: string;
  /** A flat list of names and values, as the platform sent it. */
  readonly headers: readonly string[];
  /** What was derived from these headers before. */
  readonly known?: KnownAnswer | undefined;
}

/** The outcome of one attempt to send a call. */
export type Answer =
  /** Small, and not yet relayed. */
  | {
      readonly kind: 'held';
      readonly head: UpstreamResponseHead;
      readonly body: Buffer;
      readonly verdict: Verdict;
    }
  /** Relayed to the caller as received; `whole` is false if it ended prematurely. */
  | { readonly kind: 'relayed'; readonly status: number; readonly whole: boolean }
  | { readonly kind: 'failed'; readonly failure: TransportFailure }
  /** The caller left. */
  | { readonly kind: 'client_closed' };

/** A response of the platform that did not come through an exchange. */
export function heldAnswer(
  status: number,
  contentType: string,
  body: Buffer,
): Extract<Answer, { kind: 'held' }> {
  const headers = ['content-type', contentType, 'content-length', String(body.length)];
  return { kind: 'held', head: { status, reason: '', headers }, body, verdict: judge(body) };
}

/** The call that a response is relayed to. */
export interface RelayHost {
  readonly method: string;
  readonly response: CallResponse;
  readonly injected: readonly Injected[];
  /** Our own headers, as they are when the head is sent. */
  ownHeaders(): OwnHeaders;
  onHead(origin: Origin, status: number): void;
  /** The response is not a refusal of the token and is being relayed. */
  onStreaming(): void;
  onAnswer(answer: Answer): void;
  /** Asks the upstream to continue after a pause. */
  resume(): void;
}

/** The largest page that is held, because error pages of gateways quote the URL of a call. */
const PAGE_BYTES_MAX = 16 * 1024;

/** The maximum decoded size of a held body. A larger one is not examined: no page or error decodes to that much. */
const DECODED_BYTES_MAX = 256 * 1024;

/** Responses with other statuses are not judged: they are partial or come from a failing gateway. */
function isJudged(status: number): boolean {
  return status < 500 && status !== 206;
}

function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

/**
 * Holds a response for as long as it could be a small JSON object, or a page that quotes what we put into the call.
 * Then it either returns it whole, with its verdict, or relays it as it arrives.
 */
export class AnswerRelay implements ResponseSink {
  readonly #host: RelayHost;
  #head: UpstreamResponseHead = { status: 0, reason: '', headers: [] };
  #codings: readonly string[] = [];
  /** The most that is held, and whether only a possible JSON object is held. */
  #hold = { bytesMax: 0, objectsOnly: true };
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes of the body relayed so far. */
  passedBytes = 0;
  #phase: 'holding' | 'streaming' | 'over' = 'holding';

  constructor(host: RelayHost) {
    this.#host = host;
  }

  /** Throws if this cannot be a valid response. */
  head(
    status: number,
    reason: string,
    headers: readonly string[],
    origin: Origin,
    carrier?: CarriesDerived,
  ): void {
    if (status < 200) throw new RangeError(`Cannot pass on a response: its status is ${status}`);
    const { method, injected } = this.#host;
    this.#host.onHead(origin, status);
    const known = knownAnswerOf(reason, headers, carrier);
    this.#head = headOf(status, reason, headers, known, injected);
    this.#codings = known.codings;
    if (!hasBody(method, status)) return;
    const { announcedBytes, isHtml } = known;
    this.#hold = holdOf(status, isHtml, announcedBytes !== undefined, injected.length > 0);
    // The first byte of an encoded body says nothing.
    if (this.#codings.length > 0) this.#hold.objectsOnly = false;
    if ((announcedBytes ?? 0) > this.#hold.bytesMax || this.#hold.bytesMax === 0) this.#startStreaming();
  }

  data(chunk: Buffer): boolean {
    if (this.#phase === 'streaming') {
      this.passedBytes += chunk.length;
      const { response } = this.#host;
      return response.write(response.keepsNoChunk === true ? chunk : copyIfShared(chunk));
    }
    this.#held.push(copyIfShared(chunk));
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > this.#hold.bytesMax) return this.#startStreaming();
    if (!this.#hold.objectsOnly) return true;
    const beginning = beginningOf(this.#heldSoFar());
    if (beginning === 'other') return this.#startStreaming();
    if (beginning === 'object') this.#hold.objectsOnly = false;
    return true;
  }

  end(trailers: string[]): void {
    const { response, injected } = this.#host;
    if (this.#phase === 'streaming') {
      if (trailers.length > 0) response.addTrailers(pairsOf(redactedHeaders(trailers, injected)));
      response.end();
      this.#phase = 'over';
      this.#host.onAnswer({ kind: 'relayed', status: this.#head.status, whole: true });
      return;
    }
    this.#phase = 'over';
    this.#host.onAnswer(this.#heldAnswer());
  }

  failed(failure: TransportFailure): void {
    const wasStreaming = this.#phase === 'streaming';
    this.#phase = 'over';
    if (!wasStreaming) {
      this.#host.onAnswer({ kind: 'failed', failure });
      return;
    }
    // Breaking the connection is the only way left to signal an incomplete response.
    this.#host.response.destroy();
    this.#host.onAnswer({ kind: 'relayed', status: this.#head.status, whole: false });
  }

  #heldAnswer(): Answer {
    const { injected } = this.#host;
    const body = this.#heldSoFar();
    const plain = decoded(body, this.#codings, DECODED_BYTES_MAX);
    const clean = redactedBody(plain, injected);
    // A plain page with a false coding sometimes decodes by accident, so its raw bytes are searched too.
    const passed = clean === plain && plain !== body ? redactedBody(body, injected) : clean;
    const verdict = isJudged(this.#head.status) ? judge(clean) : NO_VERDICT;
    if (passed === body) return { kind: 'held', head: this.#head, body, verdict };
    const { status, reason } = this.#head;
    const headers = rewrittenHeaders(this.#head.headers, passed.length);
    return { kind: 'held', head: { status, reason, headers }, body: passed, verdict };
  }

  #heldSoFar(): Buffer {
    const [first] = this.#held;
    return this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
  }

  #startStreaming(): boolean {
    const { response } = this.#host;
    // Throws if the platform's head cannot be written; nothing has been relayed by then.
    sendHead(response, this.#head, this.#host.ownHeaders());
    this.#phase = 'streaming';
    this.#host.onStreaming();
    response.on('drain', () => this.#host.resume());
    const held = this.#heldSoFar();
    this.#held = [];
    this.passedBytes = held.length;
    return held.length === 0 ? true : response.write(held);
  }
}

/** How much of a response is held: what may need a verdict, and what may quote what we put in. */
function holdOf(
  status: number,
  isHtml: boolean,
  isAnnounced: boolean,
  isInjected: boolean,
): { bytesMax: number; objectsOnly: boolean } {
  if (isInjected && status !== 206) {
    if (status >= 300 || isHtml) return { bytesMax: PAGE_BYTES_MAX, objectsOnly: false };
    // Holding what arrived with the head, or is announced to be this small, adds no delay.
    if (isAnnounced) return { bytesMax: JUDGED_BYTES_MAX, objectsOnly: false };
  }
  return { bytesMax: isJudged(status) ? JUDGED_BYTES_MAX : 0, objectsOnly: true };
}

/** Sends a held response, with `rewritten` as its body if given. */
export function sendHeld(
  response: CallResponse,
  { head, body }: Extract<Answer, { kind: 'held' }>,
  own: OwnHeaders,
  rewritten?: Buffer,
): void {
  if (rewritten === undefined) {
    sendHead(response, head, own);
    response.end(body);
    return;
  }
  const { status, reason, headers } = head;
  sendHead(response, { status, reason, headers: rewrittenHeaders(headers, rewritten.length) }, own);
  response.end(rewritten);
}

function sendHead(
  response: CallResponse,
  { status, reason, headers, known }: UpstreamResponseHead,
  own: OwnHeaders,
): void {
  // What is relayed to a web page depends on the headers we add.
  if (response.writeLines === undefined || known === undefined || own.list.length > OWN_LENGTH) {
    response.writeHead(status, reason, answerHeaders(headers, own.list));
  } else {
    response.writeLines(status, reason, known.lines, own.text);
  }
}

/** A name and a value. */
const OWN_LENGTH = 2;

/** The head with everything removed that was put into the request. */
function headOf(
  status: number,
  reason: string,
  headers: readonly string[],
  known: KnownAnswer,
  injected: readonly Injected[],
): UpstreamResponseHead {
  // No encoding of a secret makes it shorter.
  const mayQuote = injected.some(({ secret }) => secret.reveal().length <= known.charsMax);
  if (!mayQuote) return { status, reason: known.reason, headers, known };
  return {
    status,
    reason: writableReason(redactedHeader(reason, injected)),
    headers: redactedHeaders(headers, injected),
  };
}

function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([flat[at] as string, flat[at + 1] as string]);
  return pairs;
}
