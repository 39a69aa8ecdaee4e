import { Agent, type ClientRequest, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Origin } from './origins.ts';
import { CONNECTIONS_IDLE_MAX, KEEP_ALIVE_MS, type Pools } from './pools.ts';
import { HEAD_BYTES_MAX } from './response-parser.ts';

/**
 * Lets a node:http client use the connections of our connector, for one origin. It has its own idle connections:
 * sockets that this process reads in two ways cannot be shared.
 *
 * Its requests have the scheme `http:`, whatever the origin's is: TLS is up to the connector.
 */
export class ConnectorAgent extends Agent {
  readonly #origin: Origin;
  readonly #pools: Pools;
  readonly #bornMs = new WeakMap<Duplex, number>();

  constructor(origin: Origin, pools: Pools, keepAlive: boolean) {
    super({ keepAlive, timeout: KEEP_ALIVE_MS, maxFreeSockets: CONNECTIONS_IDLE_MAX });
    this.#origin = origin;
    this.#pools = pools;
  }

  override createConnection(
    _: object,
    done?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | undefined {
    const { connector, clock, options } = this.#pools;
    connector.connect(this.#origin, options.connectTimeoutMs, (error, socket) => {
      if (socket !== undefined) this.#bornMs.set(socket, clock.monotonicMs());
      done?.(error ?? null, socket as Socket);
    });
    return undefined;
  }

  /** Undocumented, but the only place to set the parser's limits for http-proxy. */
  addRequest(request: ClientRequest & { maxHeaderSize?: number }, options: RequestOptions): void {
    request.maxHeaderSize = HEAD_BYTES_MAX;
    // Node would drop headers beyond 1,000.
    request.maxHeadersCount = 0;
    (Agent.prototype as unknown as { addRequest(...args: unknown[]): void }).addRequest.call(
      this,
      request,
      options,
    );
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const isKept =
      !this.#pools.isWornOut(this.#bornMs.get(socket) ?? 0) && Boolean(super.keepSocketAlive(socket));
    if (isKept) socket.once('data', endsUnasked);
    return isKept;
  }

  /** See `renew` of the pools. */
  endIdle(): void {
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    socket.off('data', endsUnasked);
    super.reuseSocket(socket, request);
  }
}

/** No request is pending: data on an idle connection would be taken for the response to the next request. */
function endsUnasked(this: Duplex): void {
  this.destroy();
}
