import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Authorities } from '../../src/upstream/authorities.ts';
import { exchange, type Upstream } from '../../src/upstream/exchange.ts';
import { Origins } from '../../src/upstream/origins.ts';
import { Pools } from '../../src/upstream/pools.ts';
import type { UpstreamRequest } from '../../src/upstream/request.ts';
import type { Teardown } from './simulator.ts';

/** A small response. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Listens on loopback; its connections end with the test. Resolves to the port. */
export async function listening(t: Teardown, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** The way to some origins, without a sidecar. */
export function upstreamOf<Time extends Clock>(
  t: Teardown,
  urls: readonly string[],
  clock: Time,
  pem?: string,
): Upstream & { readonly clock: Time } {
  const origins = new Origins(urls, clock);
  const pools = new Pools({
    connectTimeoutMs: 1_200,
    answerTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    resolve: 'system',
    authorities: new Authorities(pem),
    clock,
    onUnreachable: (origin) => origins.failed(origin, 'ETIMEDOUT'),
  });
  t.teardown(() => pools.close());
  return { origins, pools, log: silentLog, onFailover() {}, clock };
}

/** How a call ended. */
export type Outcome = 'ok' | 'unreachable' | 'broken' | 'timeout' | 'invalid';

/** A GET of `/`, unless said otherwise. */
export function call(
  upstream: Upstream,
  over: Partial<UpstreamRequest> = {},
): { readonly outcome: Promise<Outcome>; readonly leave: () => void } {
  let leave = (): void => {};
  const outcome = new Promise<Outcome>((resolve) => {
    const request = { method: 'GET', target: '/', headers: [], body: undefined, pinned: false, ...over };
    const running = exchange(upstream, request, {
      head() {},
      data: () => true,
      end: () => resolve('ok'),
      failed: ({ kind }) => resolve(kind),
    });
    leave = () => running.abort();
  });
  return { outcome, leave };
}
