import {
  connect as connectTcp,
  isIP,
  type LookupFunction,
  type OnReadOpts,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { isOutOfDescriptors, shortageNow } from '../base/descriptors.ts';
import { dnsResolve, Lookups, systemResolve } from './lookup.ts';
import type { Authorities } from './authorities.ts';
import { type Egress, openTunnel } from './egress-proxy.ts';
import { Handshakes } from './handshakes.ts';
import type { Origin } from './origins.ts';

export interface ConnectorOptions {
  /** For lookup, TCP, the egress proxy and TLS together. */
  readonly connectTimeoutMs: number;
  /** `dns`: names are resolved without /etc/hosts. */
  readonly resolve: 'system' | 'dns';
  readonly authorities: Authorities;
  /** TLS connections may go through a proxy. */
  readonly egress?: Egress;
  readonly clock: Clock;
}

/** How a connection is made: through an established tunnel, or directly. */
interface Way {
  readonly tunnel?: Socket;
  readonly onread?: OnReadOpts | undefined;
}

/** Called once: with a connected socket, or with an error that has a code. */
export type OnConnected = (error: NodeJS.ErrnoException | undefined, socket?: Socket) => void;

/** Opens connections to origins: the only place that looks up names, connects sockets and starts TLS. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #lookup: LookupFunction;
  /** A proxy may have a cluster name, which plain DNS would not find without the search domains. */
  readonly #proxyLookup: LookupFunction;
  /** The last TLS session of each origin, for resumption. */
  readonly #sessions = new Map<string, Buffer>();
  readonly #handshakes = new Map<string, Handshakes<Socket>>();
  #context: SecureContext | undefined;
  /** The context that it was made with. */
  #further: SecureContext | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    const { resolve, clock } = options;
    this.#proxyLookup = lookupBy(new Lookups(systemResolve, clock));
    this.#lookup = resolve === 'dns' ? lookupBy(new Lookups(dnsResolve(), clock)) : this.#proxyLookup;
  }

  /**
   * Takes at most `limitMs` and the configured limit. A socket without a tunnel reads into `onread` and then emits no
   * `data`.
   */
  connect(origin: Origin, limitMs: number, done: OnConnected, onread?: OnReadOpts): void {
    const { clock, connectTimeoutMs } = this.#options;
    const handshakes = this.#handshakes.get(origin.url) ?? new Handshakes<Socket>(clock);
    this.#handshakes.set(origin.url, handshakes);
    handshakes.run(Math.min(limitMs, connectTimeoutMs), done, (leftMs, made) => {
      this.#connect(origin, leftMs, made, onread);
    });
  }

  #connect(origin: Origin, limitMs: number, done: OnConnected, onread: OnReadOpts | undefined): void {
    const { clock, egress } = this.#options;
    const proxy = egress?.proxyFor(origin);
    if (proxy === undefined) {
      this.#stand(origin, { onread }, limitMs, done);
      return;
    }
    const beganMs = clock.monotonicMs();
    const { hostname, port } = proxy;
    const tunnel = connectTcp({ host: hostname, port, lookup: this.#proxyLookup });
    openTunnel(tunnel, origin, proxy, { clock, limitMs }, (error) => {
      if (error === undefined) {
        this.#stand(origin, { tunnel }, Math.max(0, limitMs - (clock.monotonicMs() - beganMs)), done);
        return;
      }
      egress?.failed(proxy, error.code ?? '');
      done(error);
    });
  }

  /** Waits until a connection is established, directly or through a tunnel. */
  #stand(origin: Origin, way: Way, limitMs: number, done: OnConnected): void {
    const { clock } = this.#options;
    const socket = origin.isSecure ? this.#secure(origin, way) : connectTcp(this.#address(origin, way));
    socket.setNoDelay(true);
    const event = origin.isSecure ? 'secureConnect' : 'connect';
    const settle = (error: NodeJS.ErrnoException | undefined): void => {
      timer.cancel();
      socket.off(event, onStanding).off('error', onError).off('close', onClose);
      if (error === undefined) {
        done(undefined, socket);
        return;
      }
      socket.on('error', () => {});
      socket.destroy();
      // The session may be what the server rejected.
      this.#sessions.delete(origin.url);
      done(blamed(error));
    };
    const onStanding = (): void => settle(undefined);
    const onError = (error: Error): void => settle(error);
    const onClose = (): void => settle(coded('ECONNRESET'));
    const timer = clock.after(limitMs, () => settle(coded('ETIMEDOUT')));
    socket.once(event, onStanding).once('error', onError).once('close', onClose);
  }

  /** A change of authorities discards the sessions of the previous ones. */
  #secureContext(): SecureContext {
    const further = this.#options.authorities.secureContext();
    if (this.#context === undefined || further !== this.#further) {
      this.#sessions.clear();
      this.#further = further;
      this.#context = further ?? createSecureContext();
    }
    return this.#context;
  }

  #address({ hostname, port }: Origin, { onread }: Way): TcpNetConnectOpts {
    return { host: hostname, port, lookup: this.#lookup, ...(onread !== undefined && { onread }) };
  }

  #secure(origin: Origin, way: Way): Socket {
    const context = this.#secureContext();
    const session = this.#sessions.get(origin.url);
    const socket = connectTls({
      ...(way.tunnel === undefined ? this.#address(origin, way) : { socket: way.tunnel }),
      // A server name cannot be an address (RFC 6066, section 3).
      servername: isIP(origin.hostname) === 0 ? origin.hostname : '',
      ALPNProtocols: ['http/1.1'],
      secureContext: context,
      ...(session !== undefined && { session }),
    });
    socket.on('session', (next) => this.#sessions.set(origin.url, next));
    return socket;
  }
}

function lookupBy(lookups: Lookups): LookupFunction {
  return (hostname, { all }, done) => {
    lookups.addressesOf(hostname).then(
      (found) => {
        const [first] = found;
        if (all === true) done(null, [...found]);
        else done(null, first?.address ?? '', first?.family);
      },
      (error: unknown) => done(error as NodeJS.ErrnoException, []),
    );
  };
}

/** A lookup that fails for lack of descriptors looks like a DNS error. */
function blamed(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (isOutOfDescriptors(error.code) || error.syscall === 'connect') return error;
  const shortage = shortageNow();
  return shortage === undefined ? error : coded(shortage);
}

function coded(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`Cannot connect: ${code}`), { code });
}
