import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { freePort } from './free-port.ts';
import type { Teardown } from './simulator.ts';
import { temporaryFolder } from './temporary.ts';

/** Why no real forward proxy can be started here; undefined where one can. */
const noTinyproxy: string | undefined =
  spawnSync('tinyproxy', ['-v']).status === 0
    ? undefined
    : 'no tinyproxy here: node scripts/test-servers.mjs installs it, as root on Debian';

/** A test that needs a real forward proxy; where there is none it is skipped, and its title says why. */
export function tinyproxyTest(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const { serial } = test;
  const { skip } = serial;
  if (noTinyproxy === undefined) serial(title, run);
  else skip(`${title} (${noTinyproxy})`, run);
}

export interface Tinyproxy {
  readonly port: number;
  /** What it has logged: every request line is in it. */
  log(): string;
  /** `SIGSTOP` makes it hang, `SIGKILL` ends it with its tunnels. */
  signal(signal: NodeJS.Signals): void;
}

/** A tinyproxy of one test's own on loopback, with these lines of configuration beside the usual. */
export async function startTinyproxy(t: Teardown, lines: readonly string[] = []): Promise<Tinyproxy> {
  const port = await freePort();
  const file = join(temporaryFolder(t), 'tinyproxy.conf');
  const usual = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 100', 'LogLevel Info'];
  writeFileSync(file, [...usual, ...lines, ''].join('\n'));
  const child = spawn('tinyproxy', ['-d', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  }
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  t.teardown(() => {
    process.off('exit', killWithUs);
    killWithUs();
  });
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`tinyproxy has ended: ${log}`);
    await pause(20);
  }
  return { port, log: () => log, signal: (signal) => void child.kill(signal) };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export interface StubProxy {
  readonly port: number;
  /** The heads of the requests so far. */
  readonly heads: string[];
  /** Of the connections that are open now. */
  open(): number;
  /** What becomes of the next request. */
  answer: (socket: Socket, head: string) => void;
}

/** A forward proxy that does what the test says. */
export async function startStubProxy(t: Teardown, answer: StubProxy['answer']): Promise<StubProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    socket.once('data', (bytes: Buffer) => {
      const head = bytes.toString('latin1');
      stub.heads.push(head);
      stub.answer(socket, head);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const stub: StubProxy = { port, heads: [], open: () => sockets.size, answer };
  return stub;
}

/** Connects a caller of CONNECT with the port that it asks for, on loopback, whatever the name is. */
export function tunnel(socket: Socket, head: string): void {
  const port = Number(/^CONNECT \S+:(\d+) /.exec(head)?.[1]);
  const beyond = connect(port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(beyond).pipe(socket);
  });
  beyond.on('error', () => socket.destroy());
  socket.on('close', () => beyond.destroy());
}
