import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Connections, type DrainOptions, type DrainOutcome } from './connections.ts';
import { reserveDescriptors } from './descriptors.ts';
import { ExpressLane, type ServePlain } from './express-lane.ts';
import { allowHalfClose } from './half-close.ts';
import { type EvictionReason, type ConnectionLimits, ConnectionTable } from './connection-table.ts';
import { ListenError, listenErrorOf } from './listen-error.ts';
import { Refuser, type Refuse } from './refuse.ts';
import { canSharePorts, open, openShared, type ListenAddress, portOf } from './shared-port.ts';
import { HEADERS_MAX } from './plain-fields.ts';
import { followSlowBody } from './slow-body.ts';
import { reportWrongProtocol, type ClientError } from './wrong-protocol.ts';
import { keepCertificate, type CertificateFiles, type KeptCertificate } from './certificate.ts';

export interface ListenOptions {
  readonly handler: RequestListener;
  /** An address or a name; `localhost` means 127.0.0.1 and ::1, and `::` includes 0.0.0.0, on the same port. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The user's name of the setting for host and port, for error messages: `WECHAT_SIDECAR_LISTEN (listen)`. */
  readonly setting: string;
  /** Enables HTTPS: PEM files, which are reloaded when they change, or a certificate that is managed elsewhere. */
  readonly tls?: CertificateFiles | KeptCertificate;
  /** Makes the response to input that never becomes a request: broken framing, too large a head, CONNECT. */
  readonly refuse?: Refuse;
  /** Receives requests with `Expect: 100-continue` and calls `writeContinue`; without it Node sends 100 at once. */
  readonly onExpectContinue?: RequestListener;
  /** A caller that closes its side after its request gets its response; without this, its call is canceled. */
  readonly halfClose?: boolean;
  /** Whether a peer with this address may connect; others are closed at once. If absent, everyone may. */
  readonly mayConnect?: (address: string) => boolean;
  /** Tried first for plain requests; without it, all go to `handler`. */
  readonly express?: ServePlain;
  /** May take the last file descriptors, which are reserved for the process. */
  readonly mayUseReserve?: boolean;
  readonly limits?: Partial<ListenerLimits>;
  /** For roles that report which callers are authenticated; by default created from the limits. */
  readonly connectionTable?: ConnectionTable;
  /** Called for each connection that was closed to make room for others. */
  readonly onCut?: (reason: CutReason) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why a connection was closed: its place was needed, or it pipelined too many requests. */
export type CutReason = EvictionReason | 'pipelined';

export interface ListenerLimits extends ConnectionLimits {
  /** From the connection, or the first byte of a later request, to the end of its head. TLS has as long before that. */
  readonly headersTimeoutMs: number;
  /** The same, to the end of the body. */
  readonly requestTimeoutMs: number;
  /** A body that is incomplete by then may continue, with pauses of at most this length; 0: it may not. */
  readonly bodyPauseMs: number;
  /** Longer than the idle timeout of common client pools, so that the client closes first. */
  readonly keepAliveTimeoutMs: number;
  /** A connection without any traffic for this long while a response is in progress is closed; 0: never. */
  readonly stalledTimeoutMs: number;
  /** How often the first two timeouts are checked. */
  readonly checkIntervalMs: number;
  /** Request line and headers together: long URLs are in use. */
  readonly headBytesMax: number;
  /** Requests of one connection whose responses are not sent yet. */
  readonly pipelinedMax: number;
}

/** The default limits of a listener. */
export const LISTENER_LIMITS: ListenerLimits = {
  connectionsMax: 2_048,
  unprovenMax: 512,
  hasManyPeers: true,
  needsWholeRequest: false,
  headersTimeoutMs: 30_000,
  requestTimeoutMs: 300_000,
  bodyPauseMs: 0,
  keepAliveTimeoutMs: 75_000,
  stalledTimeoutMs: 0,
  checkIntervalMs: 5_000,
  headBytesMax: 64 * 1024,
  pipelinedMax: 64,
};

export interface Listener {
  readonly port: number;
  /** The addresses it listens on, such as `127.0.0.1:3880` or `[::1]:3880`. */
  readonly addresses: readonly string[];
  /** Responses begun and not yet finished. */
  inFlight(): number;
  /** Shuts down gracefully; a second call returns the same promise. */
  drain(options: DrainOptions): Promise<DrainOutcome>;
  /** Closes everything at once. */
  close(): Promise<void>;
}

const PICKS_MAX = 5;

/** Rejects with a `ListenError` whose message names the setting to change. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { clock, log } = options;
  const { tls } = options;
  const certificate =
    tls === undefined || 'serve' in tls ? tls : keepCertificate(tls, options.setting, clock, log);
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  // One table for the servers of both address families.
  const connectionTable = options.connectionTable ?? new ConnectionTable(limits);
  const connections = new Connections(clock, connectionTable);
  const onCut = (reason: CutReason, address: string | undefined): void => {
    log.warn('connection closed: a connection limit was reached', {
      reason,
      address,
      setting: options.setting,
    });
    options.onCut?.(reason);
  };
  connectionTable.onEviction = onCut;
  const parts = { limits, connections, connectionTable, certificate, onCut };
  try {
    const { servers, acceptors } = await bindAll(options, () => serverFor(options, parts));
    connections.adopt([...servers, ...acceptors]);
    const port = portOf(servers[0] as Server);
    return {
      port,
      addresses: servers.map((server) => textOf(addressOf(server))),
      inFlight: () => connections.inFlight(),
      drain: (drainOptions) => connections.drain(drainOptions).finally(() => certificate?.close()),
      close: async () => {
        certificate?.close();
        await connections.close();
      },
    };
  } catch (error) {
    certificate?.close();
    throw error;
  }
}

/** Shared by the servers of one listener. */
interface ServerParts {
  readonly limits: ListenerLimits;
  readonly connections: Connections;
  readonly connectionTable: ConnectionTable;
  readonly certificate: KeptCertificate | undefined;
  readonly onCut: (reason: CutReason, address: string | undefined) => void;
}

function serverFor(options: ListenOptions, parts: ServerParts): Server {
  const { limits, connections, connectionTable, certificate } = parts;
  const serverOptions = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    maxHeaderSize: limits.headBytesMax,
    noDelay: true,
    // A request without a Host is refused below, with the role's own message.
    requireHostHeader: false,
  };
  const server: Server =
    certificate === undefined
      ? createHttpServer(serverOptions)
      : certificate.serve(
          createHttpsServer({
            ...serverOptions,
            ...certificate.pair(),
            handshakeTimeout: limits.headersTimeoutMs,
          }),
        );
  // Node silently drops headers over a count; such a request is refused below.
  server.maxHeadersCount = HEADERS_MAX;
  if (options.mayConnect !== undefined) closeStrangers(server, options.mayConnect, options);
  if (options.mayUseReserve !== true) reserveDescriptors(server, options.log, options.setting);
  server.timeout = limits.stalledTimeoutMs;
  server.on('connection', (socket: Socket) => connectionTable.opened(socket));
  const report = reportWrongProtocol(options.log, options.setting);
  const refuser = new Refuser(options.refuse, connections, options.clock);
  const serveBy =
    (handler: RequestListener): RequestListener =>
    (request, response) => {
      if (request.rawHeaders.length >= 2 * HEADERS_MAX) {
        const { socket } = request;
        refuser.parserFailed(
          Object.assign(new Error('too many headers'), { code: 'HPE_HEADER_OVERFLOW' }),
          socket,
        );
        return;
      }
      if (!isTaken(request, response, parts)) return;
      if (request.headers.host === undefined && request.httpVersion !== '1.0') {
        refuser.answerMissingHost(response);
        return;
      }
      handler(request, response);
    };
  const opened = certificate === undefined ? 'connection' : 'secureConnection';
  server.on(opened, (socket: Socket) => connections.opened(socket));
  if (certificate !== undefined) followHandshakes(server, connections);
  if (options.halfClose === true) allowHalfClose(server, opened, connections, options.clock);
  if (options.express !== undefined) {
    const { express: serve, clock } = options;
    connections.adoptLane(
      new ExpressLane(server, opened, { serve, connections, connectionTable, limits, clock }),
    );
  }
  server.on('request', serveBy(options.handler));
  if (options.onExpectContinue !== undefined) server.on('checkContinue', serveBy(options.onExpectContinue));
  server.on('clientError', (error: NodeJS.ErrnoException & ClientError, socket) => {
    report(error, server.listening ? portOf(server) : undefined);
    const refuse = (): void => refuser.parserFailed(error, socket);
    const mayGoOn = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && limits.bodyPauseMs > 0;
    if (mayGoOn && followSlowBody(socket, connections, limits.bodyPauseMs, options.clock, refuse)) return;
    refuse();
  });
  server.on('connect', (_request, socket) => refuser.connectAsked(socket));
  return server;
}

/** The socket below TLS, too: its handshake may be under way when a drain begins. */
function followHandshakes(server: Server, connections: Connections): void {
  server.on('connection', (socket: Socket) => connections.opened(socket));
}

function isTaken(
  request: IncomingMessage,
  response: ServerResponse,
  { limits, connections, connectionTable, onCut }: ServerParts,
): boolean {
  const { socket } = request;
  // The connection was closed, and this request was in the last chunk read from it.
  if (socket.destroyed) return false;
  if (connections.of(socket).length >= limits.pipelinedMax) {
    onCut('pipelined', socket.remoteAddress);
    socket.destroy();
    return false;
  }
  connections.began(request, response);
  const isWhole = !hasBody(request);
  connectionTable.began(socket, isWhole);
  if (!isWhole && limits.needsWholeRequest) request.once('end', () => connectionTable.proved(socket));
  return true;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function closeStrangers(
  server: Server,
  mayConnect: (address: string) => boolean,
  { log, setting }: ListenOptions,
): void {
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: peer = '' } = socket;
    if (mayConnect(peer)) return;
    socket.destroy();
    log.warn('connection closed: peer is not listed', { setting, peer });
  });
}

/**
 * Hosts that mean one address of each family. One dual-stack socket would see callers as IPv4-mapped addresses, and
 * fail on a machine without IPv6.
 */
const BOTH_FAMILIES: Readonly<Record<string, readonly [v4: string, v6: string]>> = {
  localhost: ['127.0.0.1', '::1'],
  '::': ['0.0.0.0', '::'],
};

/** The servers of all addresses that the host means, on one port, and their sockets. */
interface Bound {
  readonly servers: Server[];
  /** Their additional sockets. */
  readonly acceptors: NetServer[];
}

async function bindAll(options: ListenOptions, makeServer: () => Server): Promise<Bound> {
  const canShare = await canSharePorts();
  for (let pick = 1; ; pick += 1) {
    const bound: Bound = { servers: [], acceptors: [] };
    try {
      await bindOnce(bound, options, makeServer, canShare);
      return bound;
    } catch (error) {
      for (const server of [...bound.servers, ...bound.acceptors]) server.close();
      const isInUse = error instanceof ListenError && error.code === 'EADDRINUSE';
      if (!isInUse || options.port !== 0 || pick === PICKS_MAX) throw error;
    }
  }
}

async function bindOnce(
  { servers, acceptors }: Bound,
  options: ListenOptions,
  makeServer: () => Server,
  canShare: boolean,
): Promise<void> {
  const [host, host6] = BOTH_FAMILIES[options.host] ?? [options.host];
  const bind = async (at: string, port: number): Promise<Server> => {
    const server = makeServer();
    const others = await bindServer(server, { host: at, port, backlog: BACKLOG }, options, canShare);
    servers.push(server);
    acceptors.push(...others);
    return server;
  };
  const first = await bind(host, options.port);
  if (host6 === undefined) return;
  try {
    await bind(host6, portOf(first));
  } catch (error) {
    const { code } = error as ListenError;
    if (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') throw error;
    options.log.info(`This machine has no ${host6}; listening on ${host} alone`, { code });
  }
}

/**
 * Connections waiting to be accepted. A full queue drops the SYN of a new one, which its system repeats after 1, 3 and
 * 7 s: with Node's 511, a burst made legitimate callers wait that long. The system's limit may be lower
 * (`net.core.somaxconn`, 4,096 by default on Linux).
 */
export const BACKLOG = 4_096;

async function bindServer(
  server: Server,
  address: ListenAddress,
  { log, setting }: ListenOptions,
  canShare: boolean,
): Promise<NetServer[]> {
  try {
    const others = canShare ? await openShared(server, address) : [];
    if (!canShare) await open(server, address);
    for (const each of [server, ...others]) {
      // A failed accept (no descriptors left) must not end the process.
      each.on('error', (error: NodeJS.ErrnoException) =>
        log.warn('connection could not be accepted', { code: error.code }),
      );
    }
    return others;
  } catch (error) {
    throw listenErrorOf(error as NodeJS.ErrnoException, address.host, address.port, setting);
  }
}

function addressOf(server: Server): AddressInfo {
  return server.address() as AddressInfo;
}

function textOf({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
