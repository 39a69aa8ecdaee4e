import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { ConnectorAgent } from '../../src/upstream/agent.ts';
import { Authorities } from '../../src/upstream/authorities.ts';
import { exchange, type Upstream } from '../../src/upstream/exchange.ts';
import { Origins } from '../../src/upstream/origins.ts';
import { Pools } from '../../src/upstream/pools.ts';
import type { Sent } from './odd-bytes.ts';
import { readByNode, readByOurs } from './readings.ts';

/** Two clients of one server, whose connections are kept from one response to the next. */
export interface Sockets {
  readonly upstream: Upstream;
  readonly agent: ConnectorAgent;
  readonly port: number;
  readonly open: ReadonlySet<Socket>;
  plays(sent: Sent, closes: boolean): void;
  /** Says which connections outlived their clients. */
  close(): Promise<string[]>;
}

const HUNG_MS = 15_000;

export async function openSockets(): Promise<Sockets> {
  let sent: Sent = { method: 'GET', pieces: [] };
  let closes = true;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    socket.on('data', (bytes) => {
      const tag = /\/good\?(\d+)/.exec(bytes.toString('latin1'))?.[1];
      if (tag === undefined) void play(socket, sent, closes);
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${tag.length}\r\n\r\n${tag}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pools = new Pools({
    connectTimeoutMs: 5_000,
    answerTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    resolve: 'system',
    authorities: new Authorities(undefined),
    clock: systemClock,
  });
  const origins = new Origins([`http://127.0.0.1:${port}`], systemClock);
  const agent = new ConnectorAgent(origins.first(), pools, true);
  return {
    upstream: { origins, pools, log: silentLog, onFailover() {} },
    agent,
    port,
    open,
    plays(next, closing) {
      sent = next;
      closes = closing;
    },
    async close() {
      await pools.close();
      agent.destroy();
      for (let tries = 0; open.size > 0 && tries < 200; tries += 1) await pause(10);
      server.close();
      return open.size === 0 ? [] : [`${open.size} connections are left`];
    },
  };
}

async function play(socket: Socket, { pieces }: Sent, closes: boolean): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    socket.write(piece, 'latin1');
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (closes) socket.end();
}

let tags = 1_000;

/** Whether both clients come to an end, and what they read next is what was sent next. */
export async function judgeOverSockets(sockets: Sockets, sent: Sent): Promise<string[]> {
  const faults: string[] = [];
  const whole = readByOurs(sent);
  const isKept = whole?.isKept === true && (await readByNode(sent))?.isKept === true;
  sockets.plays(sent, !isKept);
  const clients = { ours: byOurs(sockets), node: byNode(sockets) };
  for (const [name, call] of Object.entries(clients)) {
    const first = await call(sent.method, '/odd');
    if (first === 'hung') faults.push(`${name} hung`);
    if (name === 'ours' && (first === undefined) !== (whole === undefined)) {
      faults.push(`ours read ${String(first)} by sockets, and ${JSON.stringify(whole)} in memory`);
    }
    // What the server still sends must not meet the next request half-way.
    await pause(2 + sent.pieces.length / 10);
    tags += 1;
    const next = await call('GET', `/good?${tags}`);
    // Node's client does not try again on another connection, as ours does.
    const isLost = name === 'node' && next === undefined;
    if (next !== String(tags) && !isLost) faults.push(`${name} read ${String(next)} in place of ${tags}`);
    if (sockets.open.size > 3) faults.push(`${sockets.open.size} connections`);
  }
  return faults;
}

type Call = (method: string, target: string) => Promise<string | undefined>;

function byOurs({ upstream }: Sockets): Call {
  return (method, target) =>
    inTime((resolve) => {
      let body = '';
      const request = { method, target, headers: [], body: undefined, pinned: false };
      exchange(upstream, request, {
        head() {},
        data(chunk) {
          body += chunk.toString('latin1');
          return true;
        },
        end: () => resolve(body),
        failed: () => resolve(undefined),
      });
    });
}

function byNode({ agent, port }: Sockets): Call {
  return (method, path) =>
    inTime((resolve) => {
      const request = httpRequest({ agent, port, host: '127.0.0.1', method, path });
      request.on('error', () => resolve(undefined));
      request.on('close', () => resolve(undefined));
      request.on('response', (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
        response.on('end', () => resolve(response.complete ? body : undefined));
        response.on('error', () => resolve(undefined));
      });
      request.end();
    });
}

function inTime(run: (resolve: (value: string | undefined) => void) => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('hung'), HUNG_MS);
    run((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
