import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Teardown } from './simulator.ts';

/** A request as it arrived, byte for byte. */
export interface ScriptedRequest {
  readonly head: string;
  readonly body: Buffer;
  /** Counted from 1 over all connections. */
  readonly number: number;
  readonly connection: number;
  /** Whether this connection has carried a request before, those for tokens counted. */
  readonly reused: boolean;
}

export type Script = (request: ScriptedRequest, socket: Socket) => void | Promise<void>;

export interface ScriptedUpstream {
  readonly origin: string;
  readonly requests: ScriptedRequest[];
  connections(): number;
  close(): Promise<void>;
}

/**
 * A platform that answers its token endpoints and get_api_domain_ip properly, and everything else as a
 * test's script writes it onto the socket. It reads requests with a Content-Length or without a body.
 */
export async function startScriptedUpstream(t: Teardown, script: Script): Promise<ScriptedUpstream> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let tokens = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let buffered = Buffer.alloc(0);
    let served = 0;
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const end = buffered.indexOf('\r\n\r\n');
        if (end === -1) return;
        const head = buffered.subarray(0, end).toString('latin1');
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        if (buffered.length < end + 4 + length) return;
        const body = buffered.subarray(end + 4, end + 4 + length);
        buffered = buffered.subarray(end + 4 + length);
        served += 1;
        if (/^(POST|GET) \/cgi-bin\/(stable_)?token[? ]/.test(head)) {
          tokens += 1;
          socket.write(json(`{"access_token":"scripted_token_${tokens}","expires_in":7200}`));
          continue;
        }
        const request = { head, body, number: requests.length + 1, connection, reused: served > 1 };
        requests.push(request);
        void script(request, socket);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t.teardown(close);
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    close,
  };
}

/** An answer of the platform's kind. */
export function json(body: string, extraHeaders = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json; encoding=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${extraHeaders}\r\n${body}`;
}

export const OK: string = json('{"errcode":0,"errmsg":"ok"}');

/** The token that a request carried. */
export function tokenOf({ head }: ScriptedRequest): string | undefined {
  return /[?&]access_token=([^& ]*)/.exec(head)?.[1];
}
