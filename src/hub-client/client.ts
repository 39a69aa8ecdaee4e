import { parseJson } from '../base/json.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Secret } from '../base/secret.ts';
import { codingsOf, decoded } from '../upstream/content-coding.ts';
import type { AnswerSink, Exchange, TransportFailure } from '../upstream/request.ts';
import type { Origin, Origins } from '../upstream/origins.ts';
import { type Injected, redactedBody, redactedHeaders } from '../upstream/injected.ts';
import type { Bearer } from './bearer.ts';
import type { HubHttp, HubRequest } from './http.ts';
import { type HubProblem, readProblem } from '../hub-api/read.ts';

export interface HubClientParts {
  readonly http: HubHttp;
  /** The hub's addresses, in order of preference. */
  readonly origins: Origins;
  readonly readBearer: () => Promise<Bearer>;
  readonly version: string;
  readonly clock: Clock;
}

/** One question to the hub. */
export interface HubQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly content?: object;
  readonly timeoutMs: number;
  /** Whether two hubs may be asked the same: then one that is slow, fails or refuses is not the last word. */
  readonly repeatable: boolean;
  /** Where it is not repeatable: whether this answer shows that nothing was done, so that the next hub may be asked. */
  readonly wasNotDone?: (answer: HubAnswer) => boolean;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
}

export interface HubAnswer {
  readonly kind: 'answer';
  readonly host: string;
  readonly status: number;
  /** A flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** What the hub itself says is wrong. */
  readonly problem: HubProblem | undefined;
}

export type HubOutcome =
  | HubAnswer
  /** More came than a hub ever sends. */
  | { readonly kind: 'too_large'; readonly host: string; readonly status: number }
  | { readonly kind: 'failed'; readonly failure: TransportFailure }
  | { readonly kind: 'no_credential'; readonly why: string };

/** The longest list of accounts has less. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;

/** After this the next address is asked too: a hub whose machine is frozen neither refuses nor answers. */
const PATIENCE_MS = 1_000;

/** Asks the hub by whichever of its addresses works, with a credential that is read for each question. */
export class HubClient {
  readonly #parts: HubClientParts;

  constructor(parts: HubClientParts) {
    this.#parts = parts;
  }

  async ask(question: HubQuestion): Promise<HubOutcome> {
    const bearer = await this.#parts.readBearer();
    if (bearer.kind === 'unreadable') return { kind: 'no_credential', why: bearer.why };
    const { method, path, content } = question;
    const headers = this.#headers(bearer.value, 'application/json');
    const request =
      content === undefined
        ? { method, path, headers }
        : {
            method,
            path,
            headers: [...headers, 'content-type', 'application/json'],
            body: Buffer.from(JSON.stringify(content)),
          };
    return new Promise((resolve) => new Turns(this.#parts, question, request, bearer.value, resolve).start());
  }

  /** Opens the stream of events at one address. `undefined`, with the reason told, where there is no credential. */
  async open(origin: Origin, path: string, sink: AnswerSink): Promise<Exchange | { readonly why: string }> {
    const bearer = await this.#parts.readBearer();
    if (bearer.kind === 'unreadable') return bearer;
    const headers = this.#headers(bearer.value, 'text/event-stream');
    return this.#parts.http.send(origin, { method: 'GET', path, headers }, sink);
  }

  #headers(bearer: Secret, accept: string): string[] {
    const agent = `wechat-sidecar/${this.#parts.version}`;
    return [
      'authorization',
      `Bearer ${bearer.reveal()}`,
      'accept',
      accept,
      'accept-encoding',
      'identity',
      'user-agent',
      agent,
    ];
  }
}

/** One question, put to one address after the other until one of them gives an answer that counts. */
class Turns {
  readonly #parts: HubClientParts;
  readonly #question: HubQuestion;
  readonly #request: HubRequest;
  readonly #bearer: Secret;
  readonly #resolve: (outcome: HubOutcome) => void;
  readonly #candidates: Origin[];
  /** In the order in which they were asked. */
  readonly #running = new Map<Origin, Exchange | undefined>();
  readonly #broken = new Set<Origin>();
  /** Those that refuse us, be it that they are right or that another one knows better, and their words. */
  readonly #refusing = new Map<Origin, string>();
  /** What is told where none gives an answer that counts: rather a hub's word than a failure to reach one. */
  #best: HubOutcome | undefined;
  #patience: Timer | undefined;
  #timeout: Timer | undefined;
  #over = false;

  constructor(
    parts: HubClientParts,
    question: HubQuestion,
    request: HubRequest,
    bearer: Secret,
    resolve: (outcome: HubOutcome) => void,
  ) {
    this.#parts = parts;
    this.#question = question;
    this.#request = request;
    this.#bearer = bearer;
    this.#resolve = resolve;
    this.#candidates = [...parts.origins.inOrder()];
  }

  start(): void {
    const { timeoutMs, signal } = this.#question;
    if (signal?.aborted === true) {
      this.#giveUp('left');
      return;
    }
    this.#timeout = this.#parts.clock.after(timeoutMs, () => this.#giveUp('timeout'));
    signal?.addEventListener('abort', () => this.#giveUp('left'));
    this.#next();
  }

  #next(): void {
    this.#patience?.cancel();
    const origin = this.#candidates.shift();
    if (origin === undefined) {
      if (this.#running.size === 0 && this.#best !== undefined) this.#finish(this.#best);
      return;
    }
    this.#running.set(origin, undefined);
    const sink = new Collector(origin, this.#bearer, (outcome) => this.#ended(origin, outcome));
    const sending = this.#parts.http.send(origin, this.#request, sink);
    sink.abort = () => sending.abort();
    if (this.#running.has(origin)) this.#running.set(origin, sending);
    if (this.#over || !this.#question.repeatable || this.#candidates.length === 0) return;
    this.#patience = this.#parts.clock.after(PATIENCE_MS, () => this.#next());
  }

  #ended(origin: Origin, outcome: HubOutcome): void {
    if (this.#over) return;
    this.#running.delete(origin);
    this.#rate(origin, outcome);
    if (isLastWord(outcome, this.#question)) {
      if (outcome.kind === 'answer') {
        for (const slower of this.#running.keys()) this.#parts.origins.failed(slower, 'slow');
      }
      this.#finish(outcome);
      return;
    }
    if (this.#best === undefined || rankOf(outcome) >= rankOf(this.#best)) this.#best = outcome;
    if (outcome.kind === 'failed' && outcome.failure.kind === 'broken') {
      // A connection may have died while it was idle; that says nothing about the hub.
      if (!this.#broken.has(origin)) this.#candidates.push(origin);
      this.#broken.add(origin);
    }
    this.#next();
  }

  /** What an outcome says about the address that it came from. */
  #rate(origin: Origin, outcome: HubOutcome): void {
    const { origins } = this.#parts;
    if (outcome.kind === 'failed') {
      if (outcome.failure.kind !== 'broken') origins.failed(origin, outcome.failure.reason);
    } else if (outcome.kind === 'too_large') {
      origins.failed(origin, outcome.kind);
    } else if (outcome.kind === 'answer') {
      const words = `HTTP ${outcome.status}`;
      const isGateway = outcome.status >= 500 && outcome.problem === undefined;
      if (isRefusal(outcome)) this.#refusing.set(origin, words);
      else if (isGateway && this.#question.repeatable) origins.failed(origin, words);
      else origins.connected(origin);
    }
  }

  #giveUp(reason: 'timeout' | 'left'): void {
    if (this.#over) return;
    const [first] = this.#running.keys();
    if (this.#question.repeatable) {
      for (const slow of this.#running.keys()) this.#parts.origins.failed(slow, reason);
    }
    // Where a call may have been made by the hub that is silent, the refusal of another one is not the news.
    const told = this.#question.repeatable && this.#best?.kind === 'answer' ? this.#best : undefined;
    const failure = { kind: 'timeout', reason, host: first?.host ?? '-' } as const;
    this.#finish(told ?? { kind: 'failed', failure });
  }

  #finish(outcome: HubOutcome): void {
    this.#over = true;
    this.#patience?.cancel();
    this.#timeout?.cancel();
    for (const sending of this.#running.values()) sending?.abort();
    const { origins } = this.#parts;
    const isServed = outcome.kind === 'answer' && outcome.status < 400;
    // Who refuses what another hub gives shall not be asked first for a while.
    for (const [origin, words] of this.#refusing) {
      if (isServed) origins.failed(origin, words);
      else origins.connected(origin);
    }
    this.#resolve(outcome);
  }
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

/** No credential, not allowed, no such account: a hub whose settings or keys are behind says it too. */
function isRefusal(answer: HubAnswer): boolean {
  return REFUSALS.has(answer.status) || isOfCredential(answer);
}

/** Whether the hub does not know us by our credential. */
export function isOfCredential({ status, problem }: HubAnswer): boolean {
  return status === 401 || problem?.reason === 'too_many_failures';
}

/** Whether no other hub is to be asked. */
function isLastWord(outcome: HubOutcome, { repeatable, wasNotDone }: HubQuestion): boolean {
  switch (outcome.kind) {
    case 'answer':
      if (repeatable) return outcome.status < 500 && !isRefusal(outcome);
      return wasNotDone?.(outcome) !== true;
    case 'failed':
      return !repeatable && outcome.failure.kind !== 'unreachable';
    case 'too_large':
      return !repeatable;
    case 'no_credential':
      return true;
  }
}

/**
 * Of outcomes that are not the last word the highest is told: so an account counts as unknown only
 * where every hub that answered says so.
 */
function rankOf(outcome: HubOutcome): number {
  if (outcome.kind !== 'answer') return outcome.kind === 'too_large' ? 1 : 0;
  const { status, problem } = outcome;
  if (status === 403 || isOfCredential(outcome)) return 3;
  if (problem === undefined) return 1;
  if (status >= 500) return 4;
  return problem.reason === 'unknown_app' ? 2 : 3;
}

/** What answers may be no hub, and quote our request: the credential goes no further than this. */
class Collector implements AnswerSink {
  readonly #origin: Origin;
  readonly #injected: readonly Injected[];
  readonly #settle: (outcome: HubOutcome) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: readonly string[] = [];
  abort: () => void = () => {};

  constructor(origin: Origin, bearer: Secret, settle: (outcome: HubOutcome) => void) {
    this.#origin = origin;
    this.#injected = [{ secret: bearer, inHeaders: () => '' }];
    this.#settle = settle;
  }

  head(status: number, _: string, headers: string[]): void {
    this.#status = status;
    this.#headers = redactedHeaders(headers, this.#injected);
  }

  data(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > ANSWER_BYTES_MAX) {
      this.abort();
      this.#settle({ kind: 'too_large', host: this.#origin.host, status: this.#status });
    }
    return true;
  }

  end(): void {
    const [status, headers, host] = [this.#status, this.#headers, this.#origin.host];
    // Gateways before a hub code answers unasked.
    const plain = decoded(Buffer.concat(this.#chunks), codingsOf(headers), ANSWER_BYTES_MAX);
    const body = redactedBody(plain, this.#injected);
    const problem = status < 400 ? undefined : readProblem(parseJson(body.toString('utf8')));
    this.#settle({ kind: 'answer', host, status, headers, body, problem });
  }

  failed(failure: TransportFailure): void {
    this.#settle({ kind: 'failed', failure });
  }
}
