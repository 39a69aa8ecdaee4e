import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector, Client, type Dispatcher, Pool } from 'undici';
import type { Authorities } from './authorities.ts';
import { dnsLookup } from './lookup.ts';

export interface PoolOptions {
  /** TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** From the end of the request to the head of the answer. */
  readonly answerTimeoutMs: number;
  /** Between two pieces of the answer's body. */
  readonly idleTimeoutMs: number;
  /** `dns`: names are resolved past /etc/hosts. */
  readonly resolve: 'system' | 'dns';
  readonly authorities: Authorities;
}

/** How long an idle connection is kept where the platform does not say; less than common load balancers allow. */
export const KEEP_ALIVE_MS: number = 15_000;
const KEEP_ALIVE_MS_MAX = 60_000;

/** Of an answer: status line and headers. */
const HEAD_BYTES_MAX = 64 * 1024;

/** The connection that carries a call; a client of undici's is one connection at a time. */
export interface Carrier {
  /** Counts a call that is about to be written; true where this connection carried one before. */
  startCall(): boolean;
  /** Whether any byte has come since the last call was started. */
  hasHeard(): boolean;
}

export interface Dispatch extends Dispatcher.DispatchOptions {
  /** Told, before the call is queued, which connection it will go out on. */
  readonly onCarrier: (carrier: Carrier) => void;
}

/**
 * Keep-alive connections to each origin: the one door to the HTTP client. Calls go out through its
 * handler interface, which costs a fraction of what requests with streams cost.
 */
export class Pools {
  readonly #pools = new Map<string, Pool>();
  readonly #options: Client.Options;
  readonly #connect: buildConnector.connector;

  constructor(options: PoolOptions) {
    this.#connect = connectorFor(options);
    this.#options = {
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: options.answerTimeoutMs,
      bodyTimeout: options.idleTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS_MAX,
      pipelining: 1,
    };
  }

  dispatch(origin: string, call: Dispatch, handler: Dispatcher.DispatchHandler): void {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        ...this.#options,
        factory: (url, options) => new Connection(url, options, this.#connect),
      });
      this.#pools.set(origin, pool);
    }
    pool.dispatch(call, handler);
  }

  /** Sends over a connection of its own, for a call that died on an idle one. */
  dispatchAfresh(origin: string, call: Dispatch, handler: Dispatcher.DispatchHandler): void {
    const connection = new Connection(new URL(origin), this.#options, this.#connect);
    connection.dispatch({ ...call, reset: true }, handler);
    void connection.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }
}

/** A change of authorities makes it anew: sessions that were begun under those before must not be resumed. */
function connectorFor({ connectTimeoutMs, resolve, authorities }: PoolOptions): buildConnector.connector {
  const lookup = resolve === 'dns' ? { lookup: dnsLookup() } : {};
  const build = (context: SecureContext | undefined): buildConnector.connector =>
    buildConnector({
      timeout: connectTimeoutMs,
      ...lookup,
      ...(context !== undefined && { secureContext: context }),
    });
  let used = authorities.secureContext();
  let connect = build(used);
  return (options, done) => {
    const context = authorities.secureContext();
    if (context !== used) connect = build((used = context));
    connect(options, done);
  };
}

class Connection extends Client implements Carrier {
  #served = 0;
  #socket: Socket | undefined;
  #readAtStart = 0;

  constructor(origin: URL, options: Client.Options, connect: buildConnector.connector) {
    super(origin, {
      ...options,
      connect: (to, done) =>
        connect(to, (...result) => {
          const [error, socket] = result;
          if (error === null) this.#connected(socket);
          done(...result);
        }),
    });
  }

  startCall(): boolean {
    this.#readAtStart = this.#socket?.bytesRead ?? 0;
    this.#served += 1;
    return this.#served > 1;
  }

  hasHeard(): boolean {
    return (this.#socket?.bytesRead ?? 0) > this.#readAtStart;
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    this.#served = 0;
  }

  override dispatch(call: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (call as Dispatch).onCarrier(this);
    return super.dispatch(call, handler);
  }
}
