import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough as ByteStream, type Readable } from 'node:stream';
import httpProxy from 'http-proxy';
import type { Timer } from '../base/clock.ts';
import { ConnectorAgent } from '../upstream/agent.ts';
import { type AttemptFailure, reasonOf } from '../upstream/attempt.ts';
import { type Send, type Upstream, withFailover } from '../upstream/exchange.ts';
import type { Origin } from '../upstream/origins.ts';
import type { AnswerSink, Exchange, Outgoing } from '../upstream/request.ts';

/** A request that passes through; `body` is read once, and only when the platform is connected. */
export interface Passing extends Omit<Outgoing, 'body'> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: { readonly bytes: number; readonly open: () => Readable } | undefined;
}

/**
 * Forwards what is not ours to look after: foreign tokens, /sns, bodies too large to keep. The one door
 * to http-proxy. Connections and failover are those of every call, since the caller's body is not
 * touched before a connection stands.
 */
export class PassThrough {
  readonly #upstream: Upstream;
  readonly #proxy: httpProxy;
  readonly #agents = new Map<string, ConnectorAgent>();
  /** http-proxy tells of its sockets and answers by the caller's request. */
  readonly #attempts = new WeakMap<IncomingMessage, Attempt>();

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.#proxy = httpProxy.createProxyServer({ selfHandleResponse: true, toProxy: true });
    this.#proxy.on('proxyReq', (proxied, request) => this.#attempts.get(request)?.onSocket(proxied));
    this.#proxy.on('proxyRes', (answer, request) => this.#attempts.get(request)?.onAnswer(answer));
    this.#proxy.on('econnreset', (error, request) => this.#attempts.get(request)?.onError(error));
  }

  forward(passing: Passing, sink: AnswerSink): Exchange {
    return withFailover(this.#upstream, passing, sink, (to) => {
      const attempt = new Attempt(this.#upstream, passing, sink, to);
      this.#attempts.set(passing.request, attempt);
      this.#send(passing, to.origin, attempt, to.fresh);
      return attempt;
    });
  }

  /** See `renew` of the pools. */
  renew(): void {
    for (const agent of this.#agents.values()) agent.endIdle();
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agentOf(origin: Origin): ConnectorAgent {
    const known = this.#agents.get(origin.url);
    if (known !== undefined) return known;
    const agent = new ConnectorAgent(origin, this.#upstream.pools, true);
    this.#agents.set(origin.url, agent);
    return agent;
  }

  #send({ request, response }: Passing, origin: Origin, attempt: Attempt, fresh: boolean): void {
    const agent = fresh ? new ConnectorAgent(origin, this.#upstream.pools, false) : this.#agentOf(origin);
    // http-proxy says nothing of its socket where the request still expects a 100.
    delete request.headers.expect;
    const options = { target: `http://${origin.host}`, agent, buffer: attempt.body };
    this.#proxy.web(request, response, options, (error) => attempt.onError(error));
  }
}

const TIMED_OUT = 'ETIMEDOUT';

/** One sending over one origin, as http-proxy tells of it. */
class Attempt {
  /** Stays empty until the connection stands. */
  readonly body = new ByteStream();
  readonly #upstream: Upstream;
  readonly #passing: Passing;
  readonly #sink: AnswerSink;
  readonly #to: Parameters<Send>[0];
  #deadline: Timer | undefined;
  #proxied: ClientRequest | undefined;
  #socket: Socket | undefined;
  #readAtStart = 0;
  #answer: IncomingMessage | undefined;
  #progress: 'connecting' | 'sent' | 'answered' | 'over' = 'connecting';
  #abandoned = false;

  constructor(upstream: Upstream, passing: Passing, sink: AnswerSink, to: Parameters<Send>[0]) {
    this.#upstream = upstream;
    this.#passing = passing;
    this.#sink = sink;
    this.#to = to;
    this.#restart(to.limitMs);
    this.body.on('error', () => {});
  }

  /** The connection stands. */
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
    this.#connected(proxied, socket);
  }

  onAnswer(answer: IncomingMessage): void {
    if (this.#progress !== 'sent') return;
    this.#progress = 'answered';
    this.#to.onAnswered();
    this.#answer = answer;
    const { idleTimeoutMs } = this.#upstream.pools.options;
    this.#restart(idleTimeoutMs);
    const { statusCode = 0, statusMessage = '', rawHeaders } = answer;
    this.#telling(() => this.#sink.head(statusCode, statusMessage, rawHeaders, this.#to.origin));
    answer.on('data', (chunk: Buffer) => {
      this.#restart(idleTimeoutMs);
      this.#telling(() => {
        if (this.#sink.data(chunk)) return;
        // Nobody is late while the caller rests.
        this.#deadline?.cancel();
        answer.pause();
      });
    });
    answer.on('end', () => {
      if (!answer.complete || this.#progress !== 'answered') return;
      this.#progress = 'over';
      this.#deadline?.cancel();
      // An answer that came before the request was whole leaves a connection that nobody else can use.
      if (this.#proxied?.writableFinished === false) this.#proxied.destroy();
      // They are there only now.
      this.#sink.end(answer.rawTrailers);
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
    const isRepeatable = kind === 'broken' && this.#diedIdle(progress);
    const failure: AttemptFailure = { kind, reason, host: this.#to.origin.host, isRepeatable };
    this.#to.onFailure(failure);
  }

  resume(): void {
    if (this.#progress === 'answered') this.#restart(this.#upstream.pools.options.idleTimeoutMs);
    this.#answer?.resume();
  }

  abort(): void {
    this.#abandoned = true;
    if (this.#progress !== 'connecting') this.#stop();
  }

  #stop(): void {
    this.#progress = 'over';
    this.#deadline?.cancel();
    this.#proxied?.destroy();
    this.body.destroy();
  }

  #connected(proxied: ClientRequest, socket: Socket): void {
    if (this.#progress !== 'connecting') return;
    this.#deadline?.cancel();
    this.#to.onConnected();
    if (this.#abandoned) {
      this.#stop();
      return;
    }
    this.#progress = 'sent';
    this.#readAtStart = socket.bytesRead;
    const { answerTimeoutMs } = this.#upstream.pools.options;
    // The platform may take its time from the end of the request on, and while it does not read.
    proxied.once('finish', () => {
      if (this.#progress === 'sent') this.#restart(answerTimeoutMs);
    });
    this.body.on('data', () => {
      if (this.#progress === 'sent' && proxied.writableNeedDrain) this.#restart(answerTimeoutMs);
    });
    proxied.on('drain', () => {
      if (this.#progress === 'sent') this.#deadline?.cancel();
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
    this.#deadline?.cancel();
    this.#deadline = this.#upstream.pools.clock.after(delayMs, () => {
      this.onError(Object.assign(new Error('timeout'), { code: TIMED_OUT }));
    });
  }

  /** The request line and headers as the caller wrote them: http-proxy has joined and lower-cased them. */
  #writeHead(proxied: ClientRequest): void {
    const { target, headers, method, body } = this.#passing;
    for (const name of proxied.getHeaderNames()) proxied.removeHeader(name);
    const { host, pathPrefix } = this.#to.origin;
    proxied.path = pathPrefix + target;
    proxied.setHeader('host', host);
    for (let at = 0; at + 1 < headers.length; at += 2) {
      proxied.appendHeader(headers[at] as string, headers[at + 1] as string);
    }
    const expectsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
    if (body !== undefined || expectsBody) proxied.setHeader('content-length', body?.bytes ?? 0);
  }
}
