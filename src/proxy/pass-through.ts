import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough as ByteStream, type Readable } from 'node:stream';
import type { Timer } from '../base/clock.ts';
import { ConnectorAgent } from '../upstream/agent.ts';
import { reasonOf, type SendTo } from '../upstream/attempt.ts';
import { Backlog } from '../upstream/backlog.ts';
import { type Sending, type Upstream, withFailover } from '../upstream/exchange.ts';
import type { Origin } from '../upstream/origins.ts';
import type { ResponseSink, Exchange, UpstreamRequest } from '../upstream/request.ts';
import { httpProxy } from './http-proxy.ts';

/** A request that passes through. `body` is read once, and only after the platform is connected. */
export interface Passing extends Omit<UpstreamRequest, 'body'> {
  readonly response: ServerResponse;
  readonly body: { readonly bytes: number; readonly open: () => Readable } | undefined;
}

/**
 * Forwards what the sidecar does not manage: foreign tokens, /sns, bodies too large to keep. http-proxy sends it over
 * the connections of our connector. Failover works as for every call, because the caller's body is not read before a
 * connection is established.
 */
export class PassThrough {
  readonly #upstream: Upstream;
  #opened: ReturnType<typeof openProxy> | undefined;
  readonly #agents = new Map<string, ConnectorAgent>();

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  forward(passing: Passing, sink: ResponseSink): Exchange {
    return withFailover(this.#upstream, passing, sink, (to) => {
      const forwarding = new Forwarding(this.#upstream.pools, passing, sink, to);
      const options = { ...targetOf(to.origin), agent: this.#agentOf(to) };
      const request = forwarding.request as unknown as IncomingMessage;
      this.#opened ??= openProxy();
      this.#opened.web(request, passing.response, options, (error) => forwarding.onBroken(error));
      return forwarding;
    });
  }

  /** See `renew` of the pools. */
  renew(): void {
    for (const agent of this.#agents.values()) agent.endIdle();
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agentOf({ origin, fresh }: SendTo): ConnectorAgent {
    const known = fresh ? undefined : this.#agents.get(origin.url);
    if (known !== undefined) return known;
    const agent = new ConnectorAgent(origin, this.#upstream.pools, !fresh);
    if (!fresh) this.#agents.set(origin.url, agent);
    return agent;
  }
}

/** Taken apart and with `toProxy`, because http-proxy would parse texts by `url.parse`, which prints a warning. */
function targetOf({ host }: Origin) {
  const { hostname, port } = new URL(`http://${host}`);
  return { target: { protocol: 'http:', host, hostname, port, path: '/' }, toProxy: true };
}

function openProxy() {
  const proxy = httpProxy().createProxyServer({ selfHandleResponse: true });
  proxy.on('proxyReq', (proxied, request) => of(request).onConnected(proxied));
  proxy.on('proxyRes', (answer, request) => of(request).onAnswer(answer));
  return proxy;
}

/**
 * The request as http-proxy reads it. Its body is empty until a connection is established; target and headers are
 * written then, by us, because http-proxy would join and normalize them.
 */
class Request extends ByteStream {
  readonly url = '/';
  readonly headers = {};
  readonly method: string;
  /** http-proxy checks here whether the caller left; `abort` sets it. */
  readonly socket = { destroyed: false };
  readonly forwarding: Forwarding;

  constructor(method: string, forwarding: Forwarding) {
    super();
    this.method = method;
    this.forwarding = forwarding;
  }
}

function of(request: IncomingMessage): Forwarding {
  return (request as unknown as Request).forwarding;
}

/** One attempt at one origin. */
class Forwarding implements Sending {
  readonly request: Request;
  readonly #pools: Upstream['pools'];
  readonly #passing: Passing;
  readonly #sink: ResponseSink;
  readonly #to: SendTo;
  #progress: 'connecting' | 'head sent' | 'sent' | 'answered' | 'over' = 'connecting';
  #isAbandoned = false;
  #deadline: Timer | undefined;
  #proxied: ClientRequest | undefined;
  #bytesReadBefore: number | undefined;
  #answer: IncomingMessage | undefined;

  constructor(pools: Upstream['pools'], passing: Passing, sink: ResponseSink, to: SendTo) {
    this.request = new Request(passing.method, this);
    this.#pools = pools;
    this.#passing = passing;
    this.#sink = sink;
    this.#to = to;
    this.#expect(to.limitMs);
  }

  onConnected(proxied: ClientRequest): void {
    if (this.#progress !== 'connecting') return;
    this.#deadline?.cancel();
    this.#progress = 'head sent';
    this.#to.onConnected();
    if (this.#isAbandoned) {
      this.#stop();
      return;
    }
    this.#proxied = proxied;
    this.#bytesReadBefore = proxied.socket?.bytesRead;
    writeHead(proxied, this.#passing, this.#to.origin);
    this.#limitSending(proxied);
    // After a protocol switch, `close` is the only event of the connection.
    proxied.once('close', () => this.onBroken(new Error('closed')));
    if (this.#passing.body === undefined) this.#open();
    else {
      // The head is sent alone: if the connection turns out to be dead, no part of the body is lost.
      proxied.flushHeaders();
      setImmediate(() => this.#open());
    }
  }

  /** The response timeout runs from the end of the request, and while the platform does not read. */
  #limitSending(proxied: ClientRequest): void {
    const { clock, options } = this.#pools;
    const backlog = new Backlog();
    proxied.once('finish', () => {
      const restMs = backlog.restMs(this.#passing.body?.bytes ?? 0);
      if (this.#progress === 'sent') this.#expect(options.answerTimeoutMs + restMs);
    });
    this.request.on('data', () => {
      if (this.#progress !== 'sent' || !proxied.writableNeedDrain) return;
      backlog.full(clock.monotonicMs());
      this.#expect(options.answerTimeoutMs);
    });
    proxied.on('drain', () => {
      if (this.#progress !== 'sent') return;
      backlog.taken(clock.monotonicMs());
      this.#deadline?.cancel();
    });
  }

  onAnswer(answer: IncomingMessage): void {
    if (this.#progress === 'over') return;
    this.#progress = 'answered';
    this.#answer = answer;
    this.#to.onAnswered();
    const { idleTimeoutMs } = this.#pools.options;
    const { statusCode = 0, statusMessage = '', rawHeaders } = answer;
    this.#expect(idleTimeoutMs);
    this.#guarded(() => this.#sink.head(statusCode, statusMessage, rawHeaders, this.#to.origin));
    answer.on('data', (chunk: Buffer) => {
      this.#expect(idleTimeoutMs);
      this.#guarded(() => {
        if (this.#sink.data(chunk)) return;
        // No timeout runs while the caller has paused.
        this.#deadline?.cancel();
        answer.pause();
      });
    });
    answer.on('end', () => {
      if (!answer.complete || this.#progress !== 'answered') return;
      // A response that arrives before the request is complete leaves the connection unusable.
      if (this.#proxied?.writableFinished === false) this.#stop();
      this.#progress = 'over';
      this.#deadline?.cancel();
      this.#sink.end(answer.rawTrailers);
    });
    answer.on('error', (error) => this.onBroken(error));
    answer.on('close', () => this.onBroken(new Error('closed')));
  }

  /** An error after the end of a response does not affect it. */
  onBroken(error: Error): void {
    if (this.#answer?.complete !== true) this.#fail(error);
  }

  resume(): void {
    if (this.#answer?.isPaused() !== true || this.#progress !== 'answered') return;
    this.#expect(this.#pools.options.idleTimeoutMs);
    this.#answer.resume();
  }

  /** Whether the origin can be connected is worth knowing even if the caller has left. */
  abort(): void {
    this.#isAbandoned = true;
    if (this.#progress !== 'connecting') this.#stop();
  }

  #open(): void {
    if (this.#progress !== 'head sent') return;
    this.#progress = 'sent';
    const source = this.#passing.body?.open();
    if (source === undefined) this.request.end();
    else source.pipe(this.request);
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#progress === 'over') return;
    const progress = this.#progress;
    this.#stop();
    const reason = reasonOf(error);
    const kind = progress === 'connecting' ? 'unreachable' : reason === TIMED_OUT ? 'timeout' : 'broken';
    const wroteNothing = progress === 'head sent' && error.syscall === 'write';
    const isRepeatable = kind === 'broken' && (wroteNothing || (progress === 'sent' && this.#diedIdle()));
    this.#to.onFailure({ kind, reason, host: this.#to.origin.host, isRepeatable });
  }

  /** No server read this call, so it may be sent again. */
  #diedIdle(): boolean {
    const { method, body } = this.#passing;
    const isSafe = body === undefined && (method === 'GET' || method === 'HEAD');
    const isUnanswered = this.#proxied?.socket?.bytesRead === this.#bytesReadBefore;
    return isSafe && isUnanswered && this.#proxied?.reusedSocket === true;
  }

  #stop(): void {
    this.#progress = 'over';
    this.#deadline?.cancel();
    // This makes http-proxy end its own request.
    this.request.emit('aborted');
    this.request.destroy();
  }

  /** http-proxy calls us from its event handlers, where an exception would end the process. */
  #guarded(relay: () => void): void {
    if (this.#progress !== 'answered') return;
    try {
      relay();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error('unknown'));
    }
  }

  #expect(delayMs: number): void {
    this.#deadline?.cancel();
    this.#deadline = this.#pools.clock.after(delayMs, () => {
      this.#fail(Object.assign(new Error('The platform did not respond in time'), { code: TIMED_OUT }));
    });
  }
}

const TIMED_OUT = 'ETIMEDOUT';

/** The request line and headers as the caller wrote them. */
function writeHead(proxied: ClientRequest, { target, headers, method, body }: Passing, origin: Origin): void {
  for (const name of proxied.getHeaderNames()) proxied.removeHeader(name);
  proxied.path = origin.pathPrefix + target;
  proxied.setHeader('host', origin.host);
  for (let at = 0; at + 1 < headers.length; at += 2) {
    proxied.appendHeader(headers[at] as string, headers[at + 1] as string);
  }
  const expectsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  if (body !== undefined || expectsBody) proxied.setHeader('content-length', body?.bytes ?? 0);
}
