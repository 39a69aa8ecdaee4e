import type { Clock } from '../base/clock.ts';
import { KNOWN_ENDPOINTS } from '../wechat/endpoints.ts';
import type { Answer } from './upstream-response.ts';
import type { CallRequest } from './caller.ts';
import { shownPath, shownTarget } from './shown-path.ts';
import { headersWith, type Span, traceContext, type Tracer } from './tracing.ts';

/** How a call ended and what it cost. */
export interface CallSummary {
  readonly app: string | undefined;
  readonly method: string;
  /** Bounded, and free of anything a caller may have put into it. */
  readonly path: string;
  readonly status: number;
  readonly errcode: number | undefined;
  readonly by: 'platform' | 'sidecar';
  /** Why the response is one of our own errors. */
  readonly reason: string | undefined;
  readonly durationMs: number;
  /** From sending to the end of the response, summed over both attempts if there was a replay. */
  readonly upstreamMs: number;
  /** How long the call waited for a token, a ticket or the outcome of a report. */
  readonly tokenMs: number;
  readonly replay: 0 | 1;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The response ended prematurely. */
  readonly isCut: boolean;
  readonly traceId: string | undefined;
}

/** What is known about a call at its end. */
interface Ended {
  readonly app: string | undefined;
  readonly path: string;
  readonly status: number;
  readonly errcode: number | undefined;
  readonly answeredBy: 'platform' | 'sidecar';
  readonly own?: { readonly body: Buffer };
  readonly failure?: { readonly reason: string };
}

/** Where summaries are sent; both are optional. */
export interface RecorderParts {
  readonly onSummary: ((summary: CallSummary) => void) | undefined;
  readonly tracer: Tracer | undefined;
  readonly clock: Clock;
}

/** Records calls. It exists only if the access log or tracing is on. */
export class Recorder {
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  begin(request: CallRequest): CallRecord {
    const { tracer } = this.#parts;
    const method = methodShown(request.method);
    const span = tracer?.server(method, traceContext(request.rawHeaders));
    span?.set('http.request.method', method);
    span?.set('url.scheme', 'http');
    return new CallRecord(this.#parts, request, method, span);
  }
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The method can be any string that a caller sends. */
function methodShown(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : '_OTHER';
}

/** The record of one call. */
export class CallRecord {
  readonly #parts: RecorderParts;
  readonly #request: CallRequest;
  readonly #method: string;
  readonly #span: Span | undefined;
  readonly #beganMs: number;
  #tokenMs = 0;
  #upstreamMs = 0;
  #bytesOut = 0;
  #replay: 0 | 1 = 0;
  #isCut = false;

  constructor(parts: RecorderParts, request: CallRequest, method: string, span: Span | undefined) {
    this.#parts = parts;
    this.#request = request;
    this.#method = method;
    this.#span = span;
    this.#beganMs = parts.clock.monotonicMs();
  }

  get traceId(): string | undefined {
    return this.#span?.traceId;
  }

  waiting<T>(answer: Promise<T>): Promise<T> {
    return this.#timed(answer, 'wait for token', (tookMs) => (this.#tokenMs += tookMs));
  }

  /** The hub makes the call. */
  relaying<T>(answer: Promise<T>): Promise<T> {
    return this.#timed(answer, 'relay by hub', (tookMs) => (this.#upstreamMs += tookMs));
  }

  async #timed<T>(answer: Promise<T>, name: string, took: (tookMs: number) => void): Promise<T> {
    const { clock } = this.#parts;
    const beganMs = clock.monotonicMs();
    const span = this.#span?.child(name, 'internal');
    try {
      return await answer;
    } finally {
      took(clock.monotonicMs() - beganMs);
      span?.end();
    }
  }

  /** The call is sent, for the first or the second time. */
  sends(replay: 0 | 1): SendRecord {
    this.#replay = replay;
    const parent = replay === 1 ? this.#span?.child('replay', 'internal') : undefined;
    const span = (parent ?? this.#span)?.child(this.#method, 'client');
    span?.set('http.request.method', this.#method);
    if (replay === 1) span?.set('http.request.resend_count', 1);
    return new SendRecord(this.#parts.clock, span, parent, (tookMs, bytes, isCut) => {
      this.#upstreamMs += tookMs;
      this.#bytesOut = bytes;
      this.#isCut = isCut;
    });
  }

  /** A held body is sent to the caller, as received or rewritten. */
  answers(body: Buffer): void {
    this.#bytesOut = body.length;
  }

  ended({ app, path, status, errcode, answeredBy, own, failure }: Ended, bytesIn: number): void {
    const { onSummary, clock } = this.#parts;
    const shown = path === '' ? shownTarget(this.#request.url ?? '') : shownPath(path);
    const isHead = this.#method === 'HEAD';
    const summary: CallSummary = {
      app,
      method: this.#method,
      path: shown,
      status,
      errcode,
      by: answeredBy,
      reason: failure?.reason,
      durationMs: clock.monotonicMs() - this.#beganMs,
      upstreamMs: this.#upstreamMs,
      tokenMs: this.#tokenMs,
      replay: this.#replay,
      bytesIn,
      bytesOut: isHead ? 0 : (own?.body.length ?? this.#bytesOut),
      isCut: this.#isCut,
      traceId: this.traceId,
    };
    onSummary?.(summary);
    if (this.#span !== undefined) endSpan(this.#span, summary);
  }
}

/** Follows OpenTelemetry's semantic conventions for HTTP servers where they define a name. */
function endSpan(
  span: Span,
  { app, method, path, status, errcode, reason, replay, isCut }: CallSummary,
): void {
  if (KNOWN_ENDPOINTS.has(path)) span.rename(`${method} ${path}`);
  span.set('url.path', path);
  span.set('http.response.status_code', status);
  span.set('wechat.replay', replay);
  if (app !== undefined) span.set('wechat.appid', app);
  if (errcode !== undefined) span.set('wechat.errcode', errcode);
  // A client error is not an error of the server.
  if (reason !== undefined && status >= 400 && status < 500) span.set('error.type', reason);
  else if (reason !== undefined) span.fail(reason);
  else if (isCut) span.fail('upstream_broken');
  else if (status >= 500) span.fail(String(status));
  span.end();
}

/** Records how long the call waits for a token, a ticket, or the outcome of a report, if recording is on. */
export function waiting<T>(
  call: { readonly record: CallRecord | undefined },
  answer: Promise<T>,
): Promise<T> {
  return call.record === undefined ? answer : call.record.waiting(answer);
}

/** One attempt to send a call. */
export class SendRecord {
  readonly #clock: Clock;
  readonly #span: Span | undefined;
  readonly #parent: Span | undefined;
  readonly #onEnd: (tookMs: number, bytes: number, isCut: boolean) => void;
  readonly #beganMs: number;

  constructor(
    clock: Clock,
    span: Span | undefined,
    parent: Span | undefined,
    onEnd: (tookMs: number, bytes: number, isCut: boolean) => void,
  ) {
    this.#clock = clock;
    this.#span = span;
    this.#parent = parent;
    this.#onEnd = onEnd;
    this.#beganMs = clock.monotonicMs();
  }

  /** Whether the request must carry our span. */
  get isTraced(): boolean {
    return this.#span !== undefined;
  }

  headers(given: readonly string[]): readonly string[] {
    return this.#span === undefined ? given : headersWith(given, this.#span);
  }

  /** The head of the response arrived from `host`. */
  headFrom(host: string, status: number): void {
    this.#span?.set('server.address', hostAlone(host));
    this.#span?.set('http.response.status_code', status);
  }

  ended(answer: Answer, passedBytes: number): void {
    const isCut = answer.kind === 'relayed' && !answer.whole;
    this.#onEnd(this.#clock.monotonicMs() - this.#beganMs, passedBytes, isCut);
    const span = this.#span;
    if (span === undefined) return;
    if (answer.kind === 'failed') {
      span.set('server.address', hostAlone(answer.failure.host));
      span.fail(`upstream_${answer.failure.kind}`);
    } else if (answer.kind === 'held' && answer.verdict.errcode !== undefined) {
      span.set('wechat.errcode', answer.verdict.errcode);
    } else if (isCut) {
      span.fail('upstream_broken');
    } else if (answer.kind === 'client_closed') {
      span.fail('caller_left');
    }
    span.end();
    this.#parent?.end();
  }
}

/** Without the port. */
function hostAlone(host: string): string {
  return host.replace(/:\d+$/, '');
}
