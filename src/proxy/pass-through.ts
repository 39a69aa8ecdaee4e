import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { PassThrough as ByteStream, type Readable } from 'node:stream';
import httpProxy from 'http-proxy';
import type { SecureContext } from 'node:tls';
import type { Clock, Timer } from '../base/clock.ts';
import type { Authorities } from '../upstream/authorities.ts';
import {
  type AnswerSink,
  type Exchange,
  nextOrigin,
  type Outgoing,
  reasonOf,
  type TransportFailure,
  type Upstream,
} from '../upstream/exchange.ts';
import type { Origin } from '../upstream/origins.ts';
import { KEEP_ALIVE_MS } from '../upstream/pools.ts';

export interface PassThroughOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lookup: LookupFunction | undefined;
  readonly authorities: Authorities;
}

/** A request that passes through; `body` is read once, and only when the platform is connected. */
export interface Passing extends Omit<Outgoing, 'body'> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: { readonly bytes: number; readonly open: () => Readable } | undefined;
}

/**
 * Forwards what is not ours to look after: foreign tokens, /sns, bodies too large to keep. The one door
 * to http-proxy. It fails over like an exchange does, since the caller's body is not touched before a
 * connection stands.
 */
export class PassThrough {
  readonly #options: PassThroughOptions;
  readonly #proxy: httpProxy;
  readonly #agents: Record<Scheme, HttpAgent>;
  /** By which the agent for https was made. */
  #context: SecureContext | undefined;
  /** http-proxy tells of its sockets and answers by the caller's request. */
  readonly #attempts = new WeakMap<IncomingMessage, Attempt>();

  constructor(options: PassThroughOptions) {
    this.#options = options;
    this.#context = options.authorities.secureContext();
    this.#agents = { http: this.#agentFor('http', true), https: this.#agentFor('https', true) };
    this.#proxy = httpProxy.createProxyServer({ selfHandleResponse: true, toProxy: true });
    this.#proxy.on('proxyReq', (proxied, request) => this.#attempts.get(request)?.onSocket(proxied));
    this.#proxy.on('proxyRes', (answer, request) => this.#attempts.get(request)?.onAnswer(answer));
    this.#proxy.on('econnreset', (error, request) => this.#attempts.get(request)?.onError(error));
  }

  forward(passing: Passing, sink: AnswerSink): Exchange {
    const { upstream } = this.#options;
    const { origins } = upstream;
    const candidates = passing.pinned ? [origins.first()] : origins.inOrder();
    let current: Attempt | undefined;
    let ended = false;
    const start = (origin: Origin, afresh: boolean): void => {
      current = new Attempt(this.#options, passing, sink, origin, (failure, diedIdle) => {
        if (ended) return;
        const next = failure.kind === 'unreachable' ? nextOrigin(upstream, candidates, failure) : undefined;
        if (next !== undefined) start(next, false);
        else if (diedIdle && !afresh) start(origin, true);
        else sink.failed(failure);
      });
      this.#attempts.set(passing.request, current);
      this.#send(passing, origin, current, afresh);
    };
    start(candidates.shift() as Origin, false);
    return {
      resume: () => current?.resume(),
      abort() {
        ended = true;
        current?.abort();
      },
    };
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #agentFor(scheme: Scheme, keepAlive: boolean): HttpAgent {
    const { lookup } = this.#options;
    // The agent's timeout ends idle connections; calls have deadlines of their own.
    const options = { keepAlive, timeout: KEEP_ALIVE_MS, ...(lookup === undefined ? {} : { lookup }) };
    if (scheme === 'http') return new HttpAgent(options);
    return new HttpsAgent(
      this.#context === undefined ? options : { ...options, secureContext: this.#context },
    );
  }

  /** The connections of an agent that is replaced serve on, and end when they are idle. */
  #followAuthorities(): void {
    const context = this.#options.authorities.secureContext();
    if (context === this.#context) return;
    this.#context = context;
    this.#agents.https = this.#agentFor('https', true);
  }

  #send({ request, response }: Passing, origin: Origin, attempt: Attempt, afresh: boolean): void {
    const scheme = schemeOf(origin);
    this.#followAuthorities();
    const agent = afresh ? this.#agentFor(scheme, false) : this.#agents[scheme];
    // http-proxy says nothing of its socket where the request still expects a 100.
    delete request.headers.expect;
    this.#proxy.web(request, response, { target: origin.url, agent, buffer: attempt.body }, (error) =>
      attempt.onError(error),
    );
  }
}

const TIMED_OUT = 'ETIMEDOUT';

type Scheme = 'http' | 'https';

function schemeOf(origin: Origin): Scheme {
  return origin.url.startsWith('https:') ? 'https' : 'http';
}

/** One sending over one origin, as http-proxy tells of it. */
class Attempt {
  /** Stays empty until the connection stands. */
  readonly body = new ByteStream();
  readonly #options: PassThroughOptions;
  readonly #passing: Passing;
  readonly #sink: AnswerSink;
  readonly #origin: Origin;
  readonly #onFailure: (failure: TransportFailure, diedIdle: boolean) => void;
  #deadline: Timer;
  #proxied: ClientRequest | undefined;
  #socket: Socket | undefined;
  #readAtStart = 0;
  #answer: IncomingMessage | undefined;
  #progress: 'connecting' | 'sent' | 'answered' | 'over' = 'connecting';
  #abandoned = false;

  constructor(
    options: PassThroughOptions,
    passing: Passing,
    sink: AnswerSink,
    origin: Origin,
    onFailure: (failure: TransportFailure, diedIdle: boolean) => void,
  ) {
    this.#options = options;
    this.#passing = passing;
    this.#sink = sink;
    this.#origin = origin;
    this.#onFailure = onFailure;
    this.#deadline = this.#deadlineIn(options.connectTimeoutMs);
    this.body.on('error', () => {});
  }

  onSocket(proxied: ClientRequest): void {
    this.#proxied = proxied;
    const { socket } = proxied;
    if (this.#progress !== 'connecting' || socket === null) {
      proxied.destroy();
      return;
    }
    this.#socket = socket;
    this.#writeHead(proxied);
    // A connection that ends without an answer, or with a switch of protocols, says no more than this.
    proxied.once('close', () => this.onError(new Error('closed')));
    if (proxied.reusedSocket) this.#connected(proxied, socket);
    else {
      const standing = schemeOf(this.#origin) === 'https' ? 'secureConnect' : 'connect';
      socket.once(standing, () => this.#connected(proxied, socket));
    }
  }

  onAnswer(answer: IncomingMessage): void {
    if (this.#progress !== 'sent') return;
    this.#progress = 'answered';
    this.#answer = answer;
    const { idleTimeoutMs } = this.#options;
    this.#restart(idleTimeoutMs);
    const { statusCode = 0, statusMessage = '', rawHeaders, rawTrailers } = answer;
    this.#telling(() => this.#sink.head(statusCode, statusMessage, rawHeaders, this.#origin));
    answer.on('data', (chunk: Buffer) => {
      this.#restart(idleTimeoutMs);
      this.#telling(() => {
        if (this.#sink.data(chunk)) return;
        // Nobody is late while the caller rests.
        this.#deadline.cancel();
        answer.pause();
      });
    });
    answer.on('end', () => {
      if (!answer.complete || this.#progress !== 'answered') return;
      this.#progress = 'over';
      this.#deadline.cancel();
      // An answer that came before the request was whole leaves a connection that nobody else can use.
      if (this.#proxied?.writableFinished === false) this.#proxied.destroy();
      this.#sink.end(rawTrailers);
    });
    answer.on('error', (error) => this.onError(error));
    answer.on('close', () => this.onError(new Error('closed')));
  }

  onError(error: Error): void {
    if (this.#progress === 'over') return;
    const progress = this.#progress;
    this.#stop();
    const reason = reasonOf(error);
    const kind = progress === 'connecting' ? 'unreachable' : reason === TIMED_OUT ? 'timeout' : 'broken';
    // What a caller that has left would have found out, the next one need not.
    if (kind === 'unreachable') this.#options.upstream.origins.failed(this.#origin, reason);
    if (this.#abandoned) return;
    this.#onFailure({ kind, reason, host: this.#origin.host }, kind === 'broken' && this.#diedIdle(progress));
  }

  resume(): void {
    if (this.#progress === 'answered') this.#restart(this.#options.idleTimeoutMs);
    this.#answer?.resume();
  }

  abort(): void {
    this.#abandoned = true;
    if (this.#progress !== 'connecting') this.#stop();
  }

  #stop(): void {
    this.#progress = 'over';
    this.#deadline.cancel();
    this.#proxied?.destroy();
    this.body.destroy();
  }

  #connected(proxied: ClientRequest, socket: Socket): void {
    if (this.#progress !== 'connecting') return;
    this.#deadline.cancel();
    this.#options.upstream.origins.connected(this.#origin);
    if (this.#abandoned) {
      this.#stop();
      return;
    }
    this.#progress = 'sent';
    this.#readAtStart = socket.bytesRead;
    const { answerTimeoutMs } = this.#options;
    // The platform may take its time from the end of the request on, and while it does not read.
    proxied.once('finish', () => {
      if (this.#progress === 'sent') this.#restart(answerTimeoutMs);
    });
    this.body.on('data', () => {
      if (this.#progress === 'sent' && proxied.writableNeedDrain) this.#restart(answerTimeoutMs);
    });
    proxied.on('drain', () => {
      if (this.#progress === 'sent') this.#deadline.cancel();
    });
    const source = this.#passing.body?.open();
    if (source === undefined) this.body.end();
    else source.pipe(this.body);
  }

  /** Such a call was never read by anybody: it may be sent again. */
  #diedIdle(progress: 'connecting' | 'sent' | 'answered'): boolean {
    const { method, body } = this.#passing;
    const isUnheard = progress === 'sent' && this.#socket?.bytesRead === this.#readAtStart;
    const isRepeatable = body === undefined && (method === 'GET' || method === 'HEAD');
    return isUnheard && isRepeatable && this.#proxied?.reusedSocket === true;
  }

  /** http-proxy calls us from its events, where an exception would end the process. */
  #telling(tell: () => void): void {
    if (this.#progress !== 'answered') return;
    try {
      tell();
    } catch (error) {
      this.onError(error instanceof Error ? error : new Error('unknown'));
    }
  }

  #restart(delayMs: number): void {
    this.#deadline.cancel();
    this.#deadline = this.#deadlineIn(delayMs);
  }

  #deadlineIn(delayMs: number): Timer {
    return this.#options.clock.after(delayMs, () => {
      this.onError(Object.assign(new Error('timeout'), { code: TIMED_OUT }));
    });
  }

  /** The request line and headers as the caller wrote them: http-proxy has joined and lower-cased them. */
  #writeHead(proxied: ClientRequest): void {
    const { target, headers, method, body } = this.#passing;
    for (const name of proxied.getHeaderNames()) proxied.removeHeader(name);
    proxied.path = target;
    proxied.setHeader('host', this.#origin.host);
    for (let at = 0; at + 1 < headers.length; at += 2) {
      proxied.appendHeader(headers[at] as string, headers[at + 1] as string);
    }
    const expectsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
    if (body !== undefined || expectsBody) proxied.setHeader('content-length', body?.bytes ?? 0);
  }
}
