import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { FIN, RST, type Step } from '../upstream/odd-row.ts';
import type { Teardown } from './simulator.ts';

/** A request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly body: Buffer;
  readonly connection: Socket;
  /** Whether the connection has carried a request before. */
  readonly reused: boolean;
}

export interface OddUpstream {
  readonly origin: string;
  /** What requests whose target holds `name=NUMBER` are answered with; `early`, before their bodies are there. */
  plays(steps: readonly Step[], early: boolean): void;
  /** Those that were answered by steps, since `plays`. */
  readonly arrived: readonly Arrived[];
  /** The connection that the last request for `ok` came on. */
  readonly okConnection: () => Socket | undefined;
}

const TOKEN = '{"access_token":"odd_upstream_token_0123456789","expires_in":7200}';
const OK = '{"errcode":0,"errmsg":"ok"}';

/**
 * A platform on raw sockets. Tokens are answered on connections that end; a target that holds `=warm` or
 * `=ok` is answered well, the latter on a connection that ends; any other plays the steps.
 */
export async function startOddUpstream(t: Teardown): Promise<OddUpstream> {
  let steps: readonly Step[] = [];
  let isEarly = false;
  let arrived: Arrived[] = [];
  let okConnection: Socket | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let buffered = Buffer.alloc(0);
    let served = 0;
    let discards = false;
    socket.on('data', (chunk) => {
      if (discards) return;
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const end = buffered.indexOf('\r\n\r\n');
        if (end === -1) return;
        const head = buffered.toString('latin1', 0, end);
        const bytes = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        const isOdd = !/^\S+ \/cgi-bin\/(stable_)?token|=ok|=warm/.test(head);
        discards = isOdd && isEarly;
        if (!discards && buffered.length < end + 4 + bytes) return;
        const body = buffered.subarray(end + 4, end + 4 + bytes);
        buffered = buffered.subarray(end + 4 + bytes);
        served += 1;
        if (isOdd) {
          const method = head.slice(0, head.indexOf(' '));
          arrived.push({ method, body, connection: socket, reused: served > 1 });
          void play(socket, steps);
        } else if (/^\S+ \S*=warm/.test(head)) socket.write(answer(OK, 'keep-alive'));
        else if (/^\S+ \S*=ok/.test(head)) {
          okConnection = socket;
          socket.end(answer(OK, 'close'));
        } else socket.end(answer(TOKEN, 'close'));
        if (discards) return;
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plays(next, early) {
      steps = next;
      isEarly = early;
      arrived = [];
      okConnection = undefined;
    },
    get arrived() {
      return arrived;
    },
    okConnection: () => okConnection,
  };
}

async function play(socket: Socket, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (socket.destroyed) return;
    if (step === FIN) socket.end();
    else if (step === RST) socket.resetAndDestroy();
    else if (typeof step === 'number') await pause(step);
    else if (typeof step === 'string') socket.write(step, 'latin1');
  }
}

function answer(body: string, connection: string): string {
  return `HTTP/1.1 200 OK\r\nConnection: ${connection}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
