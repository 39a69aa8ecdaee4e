import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import { readNoProxy, type IsDirect } from './no-proxy.ts';
import type { Origin } from './origins.ts';
import { transportWords } from './transport-words.ts';

/** A forward proxy for calls to the platform. */
export interface EgressProxy {
  readonly hostname: string;
  readonly port: number;
  /** `user:password`. */
  readonly credentials: Secret | undefined;
  /** Hosts that are reached directly, in the format of `NO_PROXY`. */
  readonly noProxy: string;
  /** The setting or variable that names it, for people. */
  readonly from: string;
}

/** How an egress proxy failed, from a closed set: for metrics. */
export type EgressFailure = 'forbidden' | 'credentials' | 'status' | 'malformed' | 'timeout' | 'unreachable';

export interface EgressParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly onFailure: (failure: EgressFailure) => void;
}

export interface EgressStatus {
  /** Without user and password. */
  readonly proxy: string;
  readonly from: string;
  readonly lastFailure?: string;
  readonly lastFailureUnixMs?: number;
}

/** The egress proxy in use, if there is one; it may change at runtime. */
export class Egress {
  readonly #parts: EgressParts;
  #proxy: EgressProxy | undefined;
  #isDirect: IsDirect = () => true;
  #lastFailure: { readonly lastFailure: string; readonly lastFailureUnixMs: number } | undefined;

  /** Without a proxy, connections are direct. */
  constructor(proxy: EgressProxy | undefined, parts: EgressParts) {
    this.#parts = parts;
    this.use(proxy);
  }

  /** Returns whether the proxy or its credentials have changed. */
  use(proxy: EgressProxy | undefined): boolean {
    if (isSame(proxy, this.#proxy)) return false;
    this.#proxy = proxy;
    this.#isDirect = proxy === undefined ? () => true : readNoProxy(proxy.noProxy);
    this.#lastFailure = undefined;
    const { log } = this.#parts;
    if (proxy === undefined) log.info('calls to the platform leave directly');
    else log.info('calls to the platform leave through an egress proxy', { ...aboutOf(proxy) });
    return true;
  }

  /** The proxy for connections to an origin; without TLS they are direct. */
  proxyFor({ isSecure, hostname, port }: Origin): EgressProxy | undefined {
    return isSecure && !this.#isDirect(hostname, port) ? this.#proxy : undefined;
  }

  failed(proxy: EgressProxy, reason: string): void {
    const { clock, log, onFailure } = this.#parts;
    const words = transportWords(reason);
    if (proxy === this.#proxy) this.#lastFailure = { lastFailure: words, lastFailureUnixMs: clock.unixMs() };
    onFailure(failureOf(reason));
    log.warn('egress proxy connection failed', { host: authorityOf(proxy), reason, message: words });
  }

  /** Undefined without a proxy. */
  status(): EgressStatus | undefined {
    if (this.#proxy === undefined) return undefined;
    return { ...aboutOf(this.#proxy), ...this.#lastFailure };
  }
}

function aboutOf(proxy: EgressProxy): { readonly proxy: string; readonly from: string } {
  return { proxy: `http://${authorityOf(proxy)}`, from: proxy.from };
}

function isSame(one: EgressProxy | undefined, other: EgressProxy | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const sameCredentials =
    one.credentials === undefined || other.credentials === undefined
      ? one.credentials === other.credentials
      : one.credentials.equals(other.credentials);
  return sameCredentials && authorityOf(one) === authorityOf(other) && one.noProxy === other.noProxy;
}

/** As `host:port`. */
export function authorityOf({
  hostname,
  port,
}: {
  readonly hostname: string;
  readonly port: number;
}): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
}

function failureOf(reason: string): EgressFailure {
  const code = reason.slice(CODE_PREFIX.length);
  if (code === '403') return 'forbidden';
  if (code === '401' || code === '407') return 'credentials';
  if (/^\d{3}$/.test(code)) return 'status';
  if (code === MALFORMED) return 'malformed';
  return code === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
}

const CODE_PREFIX = 'EGRESS_PROXY_';
const MALFORMED = 'MALFORMED';
/** The head of a response to CONNECT, which is read before TLS has proven anything. */
const HEAD_BYTES_MAX = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Asks the proxy behind `socket`, which is still connecting, for a tunnel to an origin. On success the socket carries
 * the origin's bytes from the first one on. On failure the error has a code that begins with `EGRESS_PROXY_`, and the
 * socket is destroyed. The proxy looks the name up.
 */
export function openTunnel(
  socket: Socket,
  origin: Origin,
  proxy: EgressProxy,
  { clock, limitMs }: { readonly clock: Clock; readonly limitMs: number },
  done: (error: NodeJS.ErrnoException | undefined) => void,
): void {
  let head = Buffer.alloc(0);
  const settle = (code?: string): void => {
    timer.cancel();
    socket.off('connect', onConnect).off('error', onError).off('close', onClose).off('data', onData);
    if (code === undefined) {
      // TLS reads everything from here on.
      socket.pause();
      done(undefined);
      return;
    }
    socket.on('error', () => {});
    socket.destroy();
    done(
      Object.assign(new Error('Cannot connect through the egress proxy'), { code: `${CODE_PREFIX}${code}` }),
    );
  };
  const onConnect = (): void => void socket.write(connectRequest(origin, proxy), 'latin1');
  const onData = (bytes: Buffer): void => {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(END_OF_HEAD);
    const headBytes = end === -1 ? head.length : end + END_OF_HEAD.length;
    if (headBytes > HEAD_BYTES_MAX) settle(MALFORMED);
    else if (end !== -1) settle(problemOf(head.toString('latin1', 0, end), head.length > headBytes));
  };
  const onError = (error: NodeJS.ErrnoException): void => settle(codeOf(error));
  const onClose = (): void => settle('ECONNRESET');
  const timer = clock.after(limitMs, () => settle('ETIMEDOUT'));
  socket.setNoDelay(true);
  socket.once('connect', onConnect).once('error', onError).once('close', onClose).on('data', onData);
}

function connectRequest(origin: Origin, { credentials }: EgressProxy): string {
  const authority = authorityOf(origin);
  const basic =
    credentials === undefined
      ? ''
      : `Proxy-Authorization: Basic ${Buffer.from(credentials.reveal()).toString('base64')}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basic}\r\n`;
}

/** Why a response opens no tunnel; undefined if it opens one. The origin sends nothing before we do. */
function problemOf(head: string, hasMore: boolean): string | undefined {
  const [first = '', ...headers] = head.split('\r\n');
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined || !headers.every((line) => HEADER_LINE.test(line))) return MALFORMED;
  if (!status.startsWith('2')) return status;
  return hasMore ? MALFORMED : undefined;
}

/** The code of a single failure, or of the first of several. */
function codeOf(error: NodeJS.ErrnoException): string {
  const [first = error] = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [];
  return first.code ?? 'ECONNRESET';
}
