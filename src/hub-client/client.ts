import { parseJson } from '../base/json.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Secret } from '../base/secret.ts';
import { CollectingSink, type SinkOutcome } from '../upstream/collect.ts';
import type { ResponseSink, Exchange, TransportFailure } from '../upstream/request.ts';
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

/** One request to the hub. */
export interface HubQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly content?: object;
  readonly timeoutMs: number;
  /** Whether the request may go to several hubs: if so, one that is slow, fails or refuses is not final. */
  readonly repeatable: boolean;
  /** If it is not repeatable: whether this response proves that nothing was done, so that the next hub may be asked. */
  readonly wasNotDone?: (answer: HubAnswer) => boolean;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
}

export interface HubAnswer {
  readonly kind: 'answer';
  readonly host: string;
  readonly status: number;
  /** A flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The error that the hub itself returned. */
  readonly problem: HubProblem | undefined;
}

export type HubOutcome =
  | HubAnswer
  /** The response is larger than a hub ever sends. */
  | { readonly kind: 'too_large'; readonly host: string; readonly status: number }
  | { readonly kind: 'failed'; readonly failure: TransportFailure }
  | { readonly kind: 'no_credential'; readonly why: string };

/** The longest account list is smaller. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;

/** After this the next address is asked too: a hub on a frozen machine neither refuses nor responds. */
const PATIENCE_MS = 1_000;

/** Sends requests to the first hub address that works, with a credential that is read for each request. */
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
    return new Promise((resolve) =>
      new HedgedRequest(this.#parts, question, request, bearer.value, resolve).start(),
    );
  }

  /** Opens the event stream at one address. Returns the reason if there is no credential. */
  async open(origin: Origin, path: string, sink: ResponseSink): Promise<Exchange | { readonly why: string }> {
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

/** A hedged request: sent to one address after the other until one returns a final outcome. */
class HedgedRequest {
  readonly #parts: HubClientParts;
  readonly #question: HubQuestion;
  readonly #request: HubRequest;
  readonly #bearer: Secret;
  readonly #resolve: (outcome: HubOutcome) => void;
  readonly #candidates: Origin[];
  /** In the order in which they were sent. */
  readonly #running = new Map<Origin, Exchange | undefined>();
  readonly #broken = new Set<Origin>();
  /** Addresses that refuse us, rightly or because they are out of date, with their status. */
  readonly #refusing = new Map<Origin, string>();
  /** The result if no outcome is final: a response of a hub takes precedence over a failure to reach one. */
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
    const sink = new CollectingSink(ANSWER_BYTES_MAX, (collected) => {
      if (collected.kind === 'too_large') this.#running.get(origin)?.abort();
      this.#ended(origin, outcomeOf(collected, origin, this.#bearer));
    });
    const sending = this.#parts.http.send(origin, this.#request, sink);
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
      // The connection may have died while idle; that says nothing about the hub.
      if (!this.#broken.has(origin)) this.#candidates.push(origin);
      this.#broken.add(origin);
    }
    this.#next();
  }

  /** Rates an address by an outcome. */
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
    // If the silent hub may have made the call, the timeout matters more than another hub's refusal.
    const best = this.#question.repeatable && this.#best?.kind === 'answer' ? this.#best : undefined;
    const failure = { kind: 'timeout', reason, host: first?.host ?? '-' } as const;
    this.#finish(best ?? { kind: 'failed', failure });
  }

  #finish(outcome: HubOutcome): void {
    this.#over = true;
    this.#patience?.cancel();
    this.#timeout?.cancel();
    for (const sending of this.#running.values()) sending?.abort();
    const { origins } = this.#parts;
    const isServed = outcome.kind === 'answer' && outcome.status < 400;
    // A hub that refuses what another hub grants is not asked first for a while.
    for (const [origin, words] of this.#refusing) {
      if (isServed) origins.failed(origin, words);
      else origins.connected(origin);
    }
    this.#resolve(outcome);
  }
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

/** Not authenticated, not authorized, no such account: a hub with outdated settings or keys returns these too. */
function isRefusal(answer: HubAnswer): boolean {
  return REFUSALS.has(answer.status) || isOfCredential(answer);
}

/** Whether the hub could not authenticate us. */
export function isOfCredential({ status, problem }: HubAnswer): boolean {
  return status === 401 || problem?.reason === 'too_many_failures';
}

/** Whether the outcome is final, so that no other hub is asked. */
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
 * Of outcomes that are not final, the one with the highest rank is returned: so an account counts as unknown
 * only if every hub that responded says so.
 */
function rankOf(outcome: HubOutcome): number {
  if (outcome.kind !== 'answer') return outcome.kind === 'too_large' ? 1 : 0;
  const { status, problem } = outcome;
  if (status === 403 || isOfCredential(outcome)) return 3;
  if (problem === undefined) return 1;
  if (status >= 500) return 4;
  return problem.reason === 'unknown_app' ? 2 : 3;
}

/** The server may not be a hub and may quote our request, so the credential is redacted from its response. */
function outcomeOf(collected: SinkOutcome, { host }: Origin, bearer: Secret): HubOutcome {
  if (collected.kind === 'failed') return collected;
  const { status } = collected.response;
  if (collected.kind === 'too_large') return { kind: 'too_large', host, status };
  const injected: readonly Injected[] = [{ secret: bearer, inHeaders: () => '' }];
  const headers = redactedHeaders(collected.response.headers, injected);
  const body = redactedBody(collected.response.body, injected);
  const problem = status < 400 ? undefined : readProblem(parseJson(body.toString('utf8')));
  return { kind: 'answer', host, status, headers, body, problem };
}
