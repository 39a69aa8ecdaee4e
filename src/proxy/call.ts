import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type ErrorAnswer, errorAnswer, errcodeOf, type Reason } from '../server/errors.ts';
import { exchange } from '../upstream/exchange.ts';
import type { Exchange, TransportFailure } from '../upstream/request.ts';
import { misconfiguration } from '../upstream/transport-words.ts';
import { type Answer, AnswerRelay, sendHeld } from './answer.ts';
import { discardRest, KeptBody, ReplayBudget } from './body.ts';
import { pageHeaders } from './cors.ts';
import { type Injected, requestHeaders } from './headers.ts';
import type { ProxyRules, Sidecar } from './sidecar.ts';

/** How a call ended, for whoever counts it. */
export interface Served {
  readonly app: string | undefined;
  /** Canonical, without the query. */
  readonly path: string;
  readonly status: number;
  readonly errcode: number | undefined;
  readonly answeredBy: 'platform' | 'sidecar';
  /** An answer of our own, still to be written. */
  readonly own?: ErrorAnswer;
  /** Why we answered with an error of our own. */
  readonly failure?: { readonly reason: Reason; readonly message: string };
}

/** The status under which a call is counted whose caller did not wait for the answer (nginx's number for it). */
const CALLER_LEFT_STATUS = 499;

/** What a call has to send. */
export type CallBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly body: KeptBody }
  /** Not kept, since it is over the limit or needs no replay: it streams through, once. */
  | { readonly kind: 'streamed'; readonly bytes: number }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'gone' };

/** One call of a business program. */
export class Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly rules: ProxyRules;
  readonly #sidecar: Sidecar;
  readonly #expectsContinue: boolean;
  #path = '';
  #app: string | undefined;
  readonly #notes = new Set<string>();
  #pageHeaders: Readonly<Record<string, string>> = {};
  #body: KeptBody | undefined;
  #exchange: Exchange | undefined;
  /** Of a replay, the first token too. */
  readonly #injected: Injected[] = [];
  /** Of the sending that is under way. */
  #awaiting: ((answer: Answer) => void) | undefined;
  #onGone: () => void = () => {};
  #gone = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    sidecar: Sidecar,
    expectsContinue: boolean,
  ) {
    this.request = request;
    this.response = response;
    this.rules = sidecar.rules();
    this.#sidecar = sidecar;
    this.#expectsContinue = expectsContinue;
    // The connection and not the response: one that waits behind another hears nothing of its end.
    request.socket.setMaxListeners(0).once('close', this.#onClose);
  }

  readonly #onClose = (): void => {
    if (this.response.writableFinished) return;
    this.#gone = true;
    this.#exchange?.abort();
    this.#answered({ kind: 'gone' });
    this.#onGone();
  };

  get method(): string {
    return this.request.method ?? 'GET';
  }

  /** Fit for logs, unlike the path of the target. */
  get path(): string {
    return this.#path;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Ends what is done for the caller by other means than `send`, once it has left. */
  whenGone(run: () => void): void {
    if (this.#gone) run();
    else this.#onGone = run;
  }

  /** What is told of the call from now on. */
  describe(path: string, app: string | undefined): void {
    // Some programs escape the `?` before a token of theirs, which must not be told.
    this.#path = path.split(/[?#=&;]/, 1)[0] as string;
    this.#app = app;
  }

  /** Lets a web page of this origin read the answer, whoever gives it. */
  allowPage(origin: string | undefined): void {
    if (origin !== undefined) this.#pageHeaders = pageHeaders(origin);
  }

  /** Adds a parameter, such as `token=foreign`, to the `x-wechat-sidecar` line of an answer whose head is still to be sent. */
  note(parameter: string): void {
    this.#notes.add(parameter);
  }

  /**
   * Begins to read the request's body. A chunked one is awaited whole, since the platform refuses them;
   * one with a length is kept for a replay where `keep` asks for it and the limit allows.
   */
  async takeBody(keep: boolean): Promise<CallBody> {
    const { headers } = this.request;
    const chunked = headers['transfer-encoding'] !== undefined;
    const bytes = Number(headers['content-length'] ?? 0);
    if (!chunked && bytes === 0) return { kind: 'none' };
    // A caller may wait for this before it sends its body.
    if (this.#expectsContinue) this.response.writeContinue();
    const limit = this.rules.replayBodyBytesMax;
    if (!chunked && (!keep || bytes > limit)) return { kind: 'streamed', bytes };
    const body = new KeptBody(this.request, chunked ? undefined : bytes, this.#sidecar.budget);
    this.#body = body;
    return chunked ? wholeBody(body, limit) : { kind: 'kept', body };
  }

  /** The whole body of a call that is answered here; `undefined` where it is over `bytesMax` or never came. */
  async readBody(bytesMax: number): Promise<Buffer | undefined> {
    const { headers } = this.request;
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) {
      return Buffer.alloc(0);
    }
    if (this.#expectsContinue) this.response.writeContinue();
    // Small, and answered at once: not a matter of the memory for replays.
    const body = new KeptBody(this.request, undefined, new ReplayBudget(bytesMax + 64 * 1024));
    this.#body = body;
    if ((await body.whole(bytesMax)) !== 'whole') return undefined;
    const whole = body.open();
    return Buffer.isBuffer(whole) ? whole : undefined;
  }

  /**
   * Sends the call once, with `target` as its path and query; `injected` is what we have put into them. `by`
   * tells whether it merely passes through; bodies that are not kept always do.
   */
  send(
    target: string,
    body: CallBody,
    by: 'exchange' | 'passing',
    replay: 0 | 1,
    injected?: Injected,
  ): Promise<Answer> {
    const { clock, metrics, upstream, passThrough } = this.#sidecar;
    const sentMs = clock.lifeMs();
    if (injected !== undefined) this.#injected.push(injected);
    return new Promise((resolve) => {
      if (this.#gone) {
        resolve({ kind: 'gone' });
        return;
      }
      // A field and not a closure that is kept: such closures were seen to outlive their calls, and to make each
      // collection of the young generation ten times as long.
      this.#awaiting = resolve;
      const sink = new AnswerRelay({
        method: this.method,
        response: this.response,
        ownHeaders: () => this.#ownHeaders(replay),
        injected: this.#injected,
        onHead: (origin) => metrics.upstreamAnswered(origin.host, clock.lifeMs() - sentMs),
        onStreaming: () => this.#body?.stopKeeping(),
        onAnswer: (answer) => this.#answered(answer),
        resume: () => this.#exchange?.resume(),
      });
      const { method, request, response } = this;
      const headers = requestHeaders(request.rawHeaders);
      const pinned = request.headers['wechatmp-signature'] !== undefined;
      const outgoing = { method, target, headers, pinned };
      this.#exchange =
        by === 'passing' || body.kind === 'streamed'
          ? passThrough.forward({ ...outgoing, request, response, body: passingBody(request, body) }, sink)
          : exchange(upstream, { ...outgoing, body: body.kind === 'kept' ? body.body : undefined }, sink);
    });
  }

  #answered(answer: Answer): void {
    const awaiting = this.#awaiting;
    this.#awaiting = undefined;
    this.#exchange = undefined;
    awaiting?.(answer);
  }

  /** Writes what `send` gave: the held answer, or our own word for a failure. */
  finish(answer: Answer, replay: 0 | 1, rewritten?: Buffer): Served {
    switch (answer.kind) {
      case 'held':
        sendHeld(this.response, answer, this.#ownHeaders(replay), rewritten);
        return this.#served(answer.head.status, answer.verdict.errcode, 'platform');
      case 'relayed':
        return this.#served(answer.status, undefined, 'platform');
      case 'failed':
        return this.fail(...wordsOf(answer.failure));
      case 'gone':
        return this.left();
    }
  }

  /** An answer of our own. `errcode` is the platform's where that is the cause. */
  fail(reason: Reason, message: string, errcode?: number): Served {
    const answer = this.ownAnswer(errorAnswer(reason, message, this.rules.errorStatus, errcode));
    return { ...answer, errcode: errcode ?? errcodeOf(reason), failure: { reason, message } };
  }

  ownAnswer(own: ErrorAnswer): Served {
    const headers = { ...own.headers, ...this.#pageHeaders };
    return { ...this.#served(own.status, undefined, 'sidecar'), own: { ...own, headers } };
  }

  left(): Served {
    return this.#served(CALLER_LEFT_STATUS, undefined, 'sidecar');
  }

  /** Once, when the call is over: lets go of all that it held. */
  close(): void {
    this.request.socket.off('close', this.#onClose);
    this.#body?.release();
    discardRest(this.request);
  }

  #ownHeaders(replay: 0 | 1): string[] {
    const about = [this.#sidecar.version, `app=${this.#app ?? '-'}`, `replay=${replay}`, ...this.#notes];
    return ['x-wechat-sidecar', about.join('; '), ...Object.entries(this.#pageHeaders).flat()];
  }

  #served(status: number, errcode: number | undefined, answeredBy: Served['answeredBy']): Served {
    return { app: this.#app, path: this.#path, status, errcode, answeredBy };
  }
}

async function wholeBody(body: KeptBody, bytesMax: number): Promise<CallBody> {
  const arrival = await body.whole(bytesMax);
  switch (arrival) {
    case 'whole':
      return body.bytes === 0 ? { kind: 'none' } : { kind: 'kept', body };
    case 'too_large':
      return {
        kind: 'refused',
        reason: 'body_too_large',
        message: `a body without a Content-Length may have ${bytesMax} bytes (WECHAT_SIDECAR_REPLAY_BODY_LIMIT); send one with a Content-Length`,
      };
    case 'no_memory':
      return {
        kind: 'refused',
        reason: 'overloaded',
        message:
          'no memory is left to keep a body without a Content-Length (WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT)',
      };
    case 'gone':
      return { kind: 'gone' };
  }
}

function passingBody(
  request: IncomingMessage,
  body: CallBody,
): { bytes: number; open: () => Readable } | undefined {
  if (body.kind === 'streamed') return { bytes: body.bytes, open: () => request };
  if (body.kind !== 'kept') return undefined;
  const { body: kept } = body;
  return {
    bytes: kept.bytes,
    open: () => {
      const opened = kept.open();
      return Buffer.isBuffer(opened) ? Readable.from([opened]) : opened;
    },
  };
}

function wordsOf({ kind, host, reason }: TransportFailure): [Reason, string] {
  switch (kind) {
    case 'unreachable': {
      const why = misconfiguration(reason) ?? reason;
      return ['upstream_unreachable', `no upstream can be connected; nothing was sent (${host}: ${why})`];
    }
    case 'broken':
      return [
        'upstream_broken',
        `the connection to ${host} died (${reason}); the call may have been executed`,
      ];
    case 'timeout':
      return ['upstream_timeout', `${host} did not answer in time; the call may have been executed`];
    case 'invalid':
      return ['bad_request', 'the call cannot be written as HTTP: a header or its method is malformed'];
  }
}
