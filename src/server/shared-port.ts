import type { Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net';

/**
 * Sockets per port. Newer versions of Node accept one connection per socket in each turn of the event loop; in a flood
 * of connections a turn is long, and new ones wait for many turns. The system spreads connections over the sockets.
 */
export const SOCKETS = 4;

/** Where sockets listen. An IPv6 address takes only callers over IPv6. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly backlog?: number;
}

/** An option of later versions of Node. */
type Sharing = ListenOptions & { readonly reusePort: boolean };

/** Resolves once it listens. */
export function open<T extends Server>(server: T, address: ListenAddress, isShared = false): Promise<T> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, ipv6Only: true, reusePort: isShared } satisfies Sharing, () => {
      server.removeListener('error', reject);
      resolve(server);
    });
  });
}

let sharing: Promise<boolean> | undefined;

/** Whether several sockets of this process can listen on one port: Node 23.1 or later, on Linux and a few others. */
export function canSharePorts(): Promise<boolean> {
  return (sharing ??= trySharing());
}

async function trySharing(): Promise<boolean> {
  const [first, second] = [createServer(), createServer()];
  try {
    await open(first, { host: '127.0.0.1', port: 0 }, true);
    await open(second, { host: '127.0.0.1', port: portOf(first) }, true);
    return true;
  } catch {
    return false;
  } finally {
    first.close();
    second.close();
  }
}

/**
 * Opens a server with several sockets, and returns the additional ones. A shared port is open to every program of the
 * same user that asks for it, so a given port is first opened unshared: a port in use is then still an error. A port
 * that the system chooses is free, and is kept open from then on, because another program could get it in between.
 */
export async function openShared(server: HttpServer, address: ListenAddress): Promise<Server[]> {
  if (address.port !== 0) {
    const alone = await open(createServer(), address);
    await new Promise((resolve) => alone.close(resolve));
  }
  const others = Array.from({ length: SOCKETS - 1 }, () => acceptorFor(server));
  try {
    await open(server, address, true);
    const shared = { ...address, port: portOf(server) };
    for (const each of others) await open(each, shared, true);
    return others;
  } catch (error) {
    for (const each of [server, ...others]) each.close();
    throw error;
  }
}

/** Accepts connections for an HTTP or HTTPS server, which then owns them. */
function acceptorFor(server: HttpServer): Server {
  // Node takes it from its own options; the types lack it.
  const { allowHalfOpen } = server as HttpServer & { readonly allowHalfOpen: boolean };
  return createServer({ allowHalfOpen, noDelay: true }, (socket) => server.emit('connection', socket));
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
