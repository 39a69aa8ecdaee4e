import type { ServerResponse } from 'node:http';
import type { AnswerSink, TransportFailure } from '../upstream/request.ts';
import type { Origin } from '../upstream/origins.ts';
import { judge, JUDGED_BYTES_MAX, mayBeObject, type Verdict } from '../wechat/verdict.ts';
import { decoded, READABLE_CODINGS } from './content-coding.ts';
import { answerHeaders, rewrittenHeaders, valuesOf } from './headers.ts';

/** Characters that the reason phrase of an answer cannot be written with; it means nothing to anybody. */
const NOT_IN_REASON = /[^\t\x20-\x7e\x80-\xff]/g;

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** A flat list of names and values, as the platform sent it. */
  readonly headers: readonly string[];
}

/** What became of one sending of a call. */
export type Answer =
  /** Small enough to be judged, and not yet passed on. */
  | { readonly kind: 'held'; readonly head: AnswerHead; readonly body: Buffer; readonly verdict: Verdict }
  /** Passed on to the caller as it came; `whole` is false where it broke off on the way. */
  | { readonly kind: 'relayed'; readonly status: number; readonly whole: boolean }
  | { readonly kind: 'failed'; readonly failure: TransportFailure }
  /** The caller left. */
  | { readonly kind: 'gone' };

/** An answer of the platform's that came another way than through an exchange. */
export function heldAnswer(
  status: number,
  contentType: string,
  body: Buffer,
): Extract<Answer, { kind: 'held' }> {
  const headers = ['content-type', contentType, 'content-length', String(body.length)];
  return { kind: 'held', head: { status, reason: '', headers }, body, verdict: judge(body) };
}

export interface RelayOptions {
  readonly method: string;
  readonly response: ServerResponse;
  /** Our own headers, as they are when the head is sent. */
  readonly ownHeaders: () => readonly string[];
  readonly onHead: (origin: Origin) => void;
  /** It is not a refusal of the token: the answer is being passed on. */
  readonly onStreaming: () => void;
  readonly onAnswer: (answer: Answer) => void;
  /** Asks the upstream to go on after a pause. */
  readonly resume: () => void;
}

/** Statuses whose answers are not judged: a part of something, or a fault of a gateway. */
function isJudged(status: number): boolean {
  return status < 500 && status !== 206;
}

function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

/**
 * Holds an answer for as long as it could still be a small JSON object, and then either hands it over
 * whole, with its verdict, or passes it on as it comes.
 */
export class AnswerRelay implements AnswerSink {
  readonly #options: RelayOptions;
  #head: AnswerHead | undefined;
  #coding: string | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #phase: 'holding' | 'streaming' | 'over' = 'holding';

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Throws where nothing of the kind can be an answer. */
  head(status: number, reason: string, headers: string[], origin: Origin): void {
    if (status < 200) throw new RangeError(`Cannot pass on an answer: its status is ${status}`);
    this.#options.onHead(origin);
    this.#head = { status, reason: reason.replaceAll(NOT_IN_REASON, ''), headers };
    this.#coding = valuesOf(headers, 'content-encoding').join(',').trim().toLowerCase();
    if (!hasBody(this.#options.method, status)) return;
    const announced = Number(valuesOf(headers, 'content-length')[0] ?? '0');
    const readable = this.#isPlain() || READABLE_CODINGS.has(this.#coding);
    if (announced > JUDGED_BYTES_MAX || !readable || !isJudged(status)) this.#startStreaming();
  }

  data(chunk: Buffer): boolean {
    if (this.#phase === 'streaming') return this.#options.response.write(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const hopeless =
      this.#isPlain() && !mayBeObject(chunk.length === this.#heldBytes ? chunk : this.#heldSoFar());
    if (this.#heldBytes > JUDGED_BYTES_MAX || hopeless) return this.#startStreaming();
    return true;
  }

  end(trailers: string[]): void {
    const { response, onAnswer } = this.#options;
    if (this.#phase === 'streaming') {
      if (trailers.length > 0) response.addTrailers(pairsOf(trailers));
      response.end();
      this.#phase = 'over';
      onAnswer({ kind: 'relayed', status: this.#head?.status ?? 0, whole: true });
      return;
    }
    const body = this.#heldSoFar();
    const plain = decoded(body, this.#coding);
    this.#phase = 'over';
    onAnswer({
      kind: 'held',
      head: this.#head as AnswerHead,
      body,
      verdict: judge(plain ?? Buffer.alloc(0)),
    });
  }

  failed(failure: TransportFailure): void {
    const wasStreaming = this.#phase === 'streaming';
    this.#phase = 'over';
    if (!wasStreaming) {
      this.#options.onAnswer({ kind: 'failed', failure });
      return;
    }
    // A broken connection is the only way left to tell the caller that the answer is not whole.
    this.#options.response.destroy();
    this.#options.onAnswer({ kind: 'relayed', status: this.#head?.status ?? 0, whole: false });
  }

  #isPlain(): boolean {
    return this.#coding === '' || this.#coding === 'identity';
  }

  #heldSoFar(): Buffer {
    const [first] = this.#held;
    return this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
  }

  #startStreaming(): boolean {
    const { response, ownHeaders, onStreaming, resume } = this.#options;
    const head = this.#head as AnswerHead;
    // Throws where the platform's head cannot be written; nothing has been passed on by then.
    response.writeHead(head.status, head.reason, answerHeaders(head.headers, ownHeaders()));
    this.#phase = 'streaming';
    onStreaming();
    response.on('drain', resume);
    const held = this.#heldSoFar();
    this.#held = [];
    return held.length === 0 ? true : response.write(held);
  }
}

/** Passes on an answer that was held, or with `rewritten` another body in its place. */
export function sendHeld(
  response: ServerResponse,
  { head, body }: Extract<Answer, { kind: 'held' }>,
  own: readonly string[],
  rewritten?: Buffer,
): void {
  const headers = rewritten === undefined ? head.headers : rewrittenHeaders(head.headers, rewritten.length);
  response.writeHead(head.status, head.reason, answerHeaders(headers, own));
  response.end(rewritten ?? body);
}

function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([flat[at] as string, flat[at + 1] as string]);
  return pairs;
}
