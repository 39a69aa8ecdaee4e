import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import type { LocalResponse } from '../server/local-response.ts';
import { errorResponse, errcodeOf, type Reason } from './errors.ts';
import { exchange } from '../upstream/exchange.ts';
import type { Exchange, UpstreamRequest, TransportFailure } from '../upstream/request.ts';
import type { Origin } from '../upstream/origins.ts';
import { misconfiguration, TRANSPORT_REASONS } from '../upstream/transport-words.ts';
import { type Answer, AnswerRelay, type RelayHost, sendHeld } from './upstream-response.ts';
import type { CallBody, Replayable } from './body.ts';
import type { CallRecord, SendRecord } from './call-record.ts';
import type { Caller, CallRequest, CallResponse } from './caller.ts';
import { pageHeaders } from './cors.ts';
import type { Injected } from '../upstream/injected.ts';
import { requestHeaders } from './headers.ts';
import { type OwnHeaders, ownHeaders } from './own-headers.ts';
import { knownHeadOf } from './known-head.ts';
import type { ProxyRules, Sidecar } from './sidecar.ts';

/** How a call ended, for metrics and logs. */
export interface CallResult {
  readonly app: string | undefined;
  /** Canonical, without the query. */
  readonly path: string;
  readonly status: number;
  readonly errcode: number | undefined;
  readonly answeredBy: 'platform' | 'sidecar';
  /** A local response, still to be written. */
  readonly own?: LocalResponse;
  /** Why the response is one of our own errors. */
  readonly failure?: { readonly reason: Reason; readonly message: string };
}

/** The status recorded for a call whose caller did not wait for the response (as in nginx). */
const CALLER_LEFT_STATUS = 499;

/** One call of a business program. */
export class Call {
  readonly request: CallRequest;
  readonly response: CallResponse;
  readonly rules: ProxyRules;
  /** Undefined if neither the access log nor tracing is on. */
  readonly record: CallRecord | undefined;
  readonly #caller: Caller;
  readonly #sidecar: Sidecar;
  #path = '';
  #app: string | undefined;
  #notes = '';
  #pageHeaders: Readonly<Record<string, string>> = NONE;
  #body: Replayable | undefined;
  /** After a replay, it includes the first token. */
  readonly #injected: Injected[] = [];
  #sending: Sending | undefined;
  #onClosed: (() => void) | undefined;
  #closed = false;

  constructor(caller: Caller, sidecar: Sidecar, rules: ProxyRules = sidecar.rules()) {
    this.request = caller.request;
    this.response = caller.response;
    this.rules = rules;
    this.record = rules.recorder?.begin(caller.request);
    this.#caller = caller;
    this.#sidecar = sidecar;
    caller.watch(this.#onLeft);
  }

  readonly #onLeft = (): void => {
    this.#closed = true;
    this.#sending?.abort();
    this.#onClosed?.();
  };

  get method(): string {
    return this.request.method ?? 'GET';
  }

  /** Safe to log, unlike the path of the target. */
  get path(): string {
    return this.#path;
  }

  /** Bytes of the request body. */
  get bytesIn(): number {
    return this.#body?.bytes ?? this.#caller.bytesIn;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** `run` is called if the caller leaves; for work that does not go through `send`. */
  onceClosed(run: () => void): void {
    if (this.#closed) run();
    else this.#onClosed = run;
  }

  /** Sets the labels for logs and metrics. */
  setLabels(path: string, app: string | undefined): void {
    this.#path = path;
    this.#app = app;
  }

  /** Lets a web page of this origin read the response, whether it is relayed or local. */
  allowPage(origin: string | undefined): void {
    if (origin !== undefined) this.#pageHeaders = pageHeaders(origin);
  }

  /** Adds a parameter such as `token=foreign` to the header `x-wechat-sidecar`, if the head is not sent yet. */
  note(parameter: string): void {
    if (!this.#notes.includes(parameter)) this.#notes += `; ${parameter}`;
  }

  /** Starts to read the body. It is kept for a replay if `keep` is set and the limits allow. */
  takeBody(keep: boolean): CallBody | Promise<CallBody> {
    const body = this.#caller.takeBody(keep, this.rules.replayBodyBytesMax, this.#sidecar.budget);
    return 'kind' in body ? this.#taken(body) : body.then((whole) => this.#taken(whole));
  }

  #taken(body: CallBody): CallBody {
    if (body.kind === 'kept') this.#body = body.body;
    return body;
  }

  /** The whole body of a call that is answered locally; `undefined` if it is over `bytesMax` or never arrived. */
  readBody(bytesMax: number): Promise<Buffer | undefined> {
    return this.#caller.readBody(bytesMax);
  }

  /**
   * Sends the call once, with `target` as path and query; `injected` is what we added to them. `by` says whether the
   * call only passes through; it always does if the body is not kept.
   */
  send(
    target: string,
    body: CallBody,
    by: 'exchange' | 'passing',
    replay: 0 | 1,
    injected?: Injected,
  ): Promise<Answer> {
    return new Promise((resolve) => this.sendThen(resolve, target, body, by, replay, injected));
  }

  /**
   * The same without a promise. `onAnswer` is called once, possibly synchronously, and must not throw. `sentMs` is
   * the present time, for a caller that has read the clock already.
   */
  sendThen(
    onAnswer: (answer: Answer) => void,
    target: string,
    body: CallBody,
    by: 'exchange' | 'passing',
    replay: 0 | 1,
    injected?: Injected,
    sentMs: number = this.#sidecar.clock.monotonicMs(),
  ): void {
    if (injected !== undefined) this.#injected.push(injected);
    if (this.#closed) {
      onAnswer(CLIENT_CLOSED);
      return;
    }
    const { upstream, passThrough } = this.#sidecar;
    const record = this.record?.sends(replay);
    const sending = new Sending(this.#sidecar, this, { replay, record, sentMs }, onAnswer);
    this.#sending = sending;
    const { http } = this.#caller;
    sending.exchange =
      http !== undefined && (by === 'passing' || body.kind === 'streamed')
        ? passThrough.forward(
            {
              ...this.#outgoing(target, undefined, record),
              response: http.response,
              body: passingBody(http.request, body),
            },
            sending.relay,
          )
        : exchange(
            upstream,
            this.#outgoing(target, body.kind === 'kept' ? body.body : undefined, record),
            sending.relay,
          );
  }

  #outgoing(target: string, body: UpstreamRequest['body'], record: SendRecord | undefined): UpstreamRequest {
    const { method, request } = this;
    const { fields } = request;
    if (fields === undefined || record?.isTraced === true) {
      const { headers, rawHeaders } = request;
      const pinned = headers['wechatmp-signature'] !== undefined;
      const sent = requestHeaders(rawHeaders);
      return { method, target, headers: record?.headers(sent) ?? sent, written: undefined, body, pinned };
    }
    const { headers: known, written, isPinned } = knownHeadOf(fields);
    return { method, target, headers: known, written, body, pinned: isPinned };
  }

  /** Writes the result of `send`: the held response, or our own error if it failed. */
  finish(answer: Answer, replay: 0 | 1, rewritten?: Buffer): CallResult {
    switch (answer.kind) {
      case 'held':
        this.record?.answers(rewritten ?? answer.body);
        sendHeld(this.response, answer, this.ownHeaders(replay), rewritten);
        return this.#served(answer.head.status, answer.verdict.errcode, 'platform');
      case 'relayed':
        return this.#served(answer.status, undefined, 'platform');
      case 'failed':
        return this.fail(...wordsOf(answer.failure));
      case 'client_closed':
        return this.clientClosed();
    }
  }

  /** Responds with our own error. `errcode` is the platform's, if that is the cause. */
  fail(reason: Reason, message: string, errcode?: number): CallResult {
    const answer = this.respondLocally(errorResponse(reason, message, this.rules.errorStatus, errcode));
    return { ...answer, errcode: errcode ?? errcodeOf(reason), failure: { reason, message } };
  }

  respondLocally(own: LocalResponse): CallResult {
    const headers = { ...own.headers, ...this.#pageHeaders };
    return { ...this.#served(own.status, undefined, 'sidecar'), own: { ...own, headers } };
  }

  clientClosed(): CallResult {
    return this.#served(CALLER_LEFT_STATUS, undefined, 'sidecar');
  }

  /** Writes a local response. */
  write({ status, headers, body }: LocalResponse): void {
    this.response.writeHead(status, STATUS_CODES[status] ?? '', Object.entries(headers).flat());
    this.response.end(body);
  }

  /** Called once, when the call is over: releases everything it held. */
  close(): void {
    this.#sending = undefined;
    this.#body?.release();
    this.#caller.close();
  }

  ownHeaders(replay: 0 | 1): OwnHeaders {
    const about = { version: this.#sidecar.version, app: this.#app, replay, notes: this.#notes };
    return ownHeaders(about, this.#pageHeaders === NONE ? [] : Object.entries(this.#pageHeaders).flat());
  }

  get injected(): readonly Injected[] {
    return this.#injected;
  }

  stopKeeping(): void {
    this.#body?.stopKeeping();
  }

  #served(status: number, errcode: number | undefined, answeredBy: CallResult['answeredBy']): CallResult {
    return { app: this.#app, path: this.#path, status, errcode, answeredBy };
  }
}

const NONE = {};
const CLIENT_CLOSED: Answer = { kind: 'client_closed' };

interface SendingInfo {
  readonly replay: 0 | 1;
  readonly record: SendRecord | undefined;
  readonly sentMs: number;
}

/** One attempt to send a call, from the request to its outcome. */
class Sending implements RelayHost {
  readonly relay: AnswerRelay;
  exchange: Exchange | undefined;
  readonly #sidecar: Sidecar;
  readonly #call: Call;
  readonly #about: SendingInfo;
  #resolve: ((answer: Answer) => void) | undefined;

  constructor(sidecar: Sidecar, call: Call, about: SendingInfo, resolve: (answer: Answer) => void) {
    this.#sidecar = sidecar;
    this.#call = call;
    this.#about = about;
    this.#resolve = resolve;
    this.relay = new AnswerRelay(this);
  }

  get method(): string {
    return this.#call.method;
  }

  get response(): CallResponse {
    return this.#call.response;
  }

  get injected(): readonly Injected[] {
    return this.#call.injected;
  }

  ownHeaders(): OwnHeaders {
    return this.#call.ownHeaders(this.#about.replay);
  }

  onHead({ host }: Origin, status: number): void {
    const { metrics, clock } = this.#sidecar;
    this.#about.record?.headFrom(host, status);
    metrics.upstreamAnswered(host, clock.monotonicMs() - this.#about.sentMs);
  }

  onStreaming(): void {
    this.#call.stopKeeping();
  }

  onAnswer(answer: Answer): void {
    this.exchange = undefined;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    if (resolve === undefined) return;
    this.#about.record?.ended(answer, this.relay.passedBytes);
    resolve(answer);
  }

  resume(): void {
    this.exchange?.resume();
  }

  /** The caller left. */
  abort(): void {
    this.exchange?.abort();
    this.onAnswer(CLIENT_CLOSED);
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
  if (kind === 'unreachable' && isOutOfDescriptors(reason)) {
    return ['overloaded', `no file descriptor is left for a connection; nothing was sent (${reason})`];
  }
  return [TRANSPORT_REASONS[kind], messageOf(kind, host, reason)];
}

function messageOf(kind: TransportFailure['kind'], host: string, reason: string): string {
  switch (kind) {
    case 'unreachable':
      return `no upstream can be connected; nothing was sent (${host}: ${misconfiguration(reason) ?? reason})`;
    case 'broken':
      return `the connection to ${host} died (${reason}); the call may have been executed`;
    case 'timeout':
      return `${host} did not answer in time; the call may have been executed`;
    case 'invalid':
      return 'the call cannot be written as HTTP: a header or its method is malformed';
  }
}
