import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { listen, LISTENER_LIMITS } from '../../src/server/listen.ts';
import { type ConnectionLimits, ConnectionTable } from '../../src/server/connection-table.ts';
import { makeTestCertificate } from '../support/certificates.ts';

const HEAD = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const MAX = 4;

interface Scene {
  readonly port: number;
  readonly cert: string;
  silent(): Promise<Socket>;
  caller(): Promise<TLSSocket>;
}

async function start(t: ExecutionContext): Promise<Scene> {
  const { cert, key } = await makeTestCertificate('give-way');
  const pair = { cert: Buffer.from(cert), key: Buffer.from(key) };
  const listener = await listen({
    handler: (_request, response) => response.end('hello'),
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    tls: { pair: () => pair, serve: (server) => server, close() {} },
    limits: { connectionsMax: MAX, unprovenMax: MAX, hasManyPeers: false },
    clock: systemClock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  const { port } = listener;
  const keep = <S extends Socket>(socket: S): S => {
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    return socket;
  };
  return {
    port,
    cert,
    async silent() {
      const socket = keep(connect(port, '127.0.0.1'));
      socket.resume();
      await once(socket, 'connect');
      return socket;
    },
    async caller() {
      const socket = keep(connectTls({ port, host: '127.0.0.1', ca: cert }));
      await once(socket, 'secureConnect');
      await ask(socket);
      return socket;
    },
  };
}

async function ask(socket: TLSSocket): Promise<void> {
  socket.write(HEAD);
  await once(socket, 'data');
}

function closed(socket: Socket): Promise<unknown> {
  return socket.destroyed ? Promise.resolve() : once(socket, 'close');
}

test('a caller that has sent a request stays, and the oldest silent connection is closed', async (t) => {
  const { caller, silent } = await start(t);
  const served = await caller();
  const first = await silent();
  const rest = [await silent(), await silent()];
  await silent();
  await closed(first);
  t.deepEqual(
    rest.map(({ destroyed }) => destroyed),
    [false, false],
  );
  for (let n = 0; n < 50; n += 1) await silent();
  for (const socket of rest) await closed(socket);
  await ask(served);
  t.false(served.destroyed);
});

test('a connection that finished TLS and sent half a head is closed like a silent one', async (t) => {
  const { port, cert, caller, silent } = await start(t);
  const half = connectTls({ port, host: '127.0.0.1', ca: cert });
  half.on('error', () => undefined);
  half.resume();
  await once(half, 'secureConnect');
  half.write('GET / HTTP/1.1\r\nHost');
  const served = [await caller(), await caller(), await caller()];
  await silent();
  await closed(half);
  for (const socket of served) await ask(socket);
  t.true(served.every(({ destroyed }) => !destroyed));
});

test('if all have sent requests, the one whose last request is the oldest is closed', async (t) => {
  const { caller } = await start(t);
  const [first, second, ...others] = [await caller(), await caller(), await caller(), await caller()];
  await ask(first);
  await caller();
  await closed(second);
  for (const socket of [first, ...others]) await ask(socket);
  t.pass();
});

test('closed connections free their place', async (t) => {
  const { caller } = await start(t);
  const kept = await caller();
  for (let n = 0; n < 3 * MAX; n += 1) {
    const socket = await caller();
    socket.destroy();
  }
  await ask(kept);
  t.false(kept.destroyed);
});

test('one address may have half of the silent connections, and its oldest is closed', async (t) => {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    handler: (_, response) => void response.end('served'),
    setting: 'test',
    limits: { unprovenMax: 8 },
    clock: systemClock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  const silent: Socket[] = [];
  for (let count = 0; count < 6; count += 1) {
    const socket = connect(listener.port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    silent.push(socket);
  }
  for (const socket of silent.slice(0, 2)) if (!socket.destroyed) await once(socket, 'close');
  t.deepEqual(
    silent.map(({ destroyed }) => destroyed),
    [true, true, false, false, false, false],
  );
  const answer = await fetch(`http://127.0.0.1:${listener.port}/`);
  t.is(await answer.text(), 'served');
});

interface Shared {
  /** Sends bytes from an address; resolves once they have an answer, if they should have one. */
  send(bytes: string, from: string, isAnswered?: boolean): Promise<Socket>;
  readonly reasons: string[];
}

/** A listener with many peers that recognises whoever sends a key. */
async function startShared(t: ExecutionContext, limits: Partial<ConnectionLimits>): Promise<Shared> {
  const connectionTable = new ConnectionTable({ ...LISTENER_LIMITS, hasManyPeers: true, ...limits });
  const reasons: string[] = [];
  const listener = await listen({
    handler: (request, response) => {
      const key = request.headers['x-key'];
      if (typeof key === 'string') connectionTable.authenticated(request.socket, key);
      if (request.url !== '/hang') response.end('served');
    },
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    limits: connectionTable.limits,
    connectionTable,
    onCut: (reason) => reasons.push(reason),
    clock: systemClock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  return {
    reasons,
    async send(bytes, from, isAnswered = true) {
      const socket = connect({ port: listener.port, host: '127.0.0.1', localAddress: from });
      t.teardown(() => socket.destroy());
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      if (isAnswered) await once(socket, 'data');
      else socket.resume();
      return socket;
    },
  };
}

const KNOWN = 'GET / HTTP/1.1\r\nHost: x\r\nX-Key: one\r\n\r\n';

test('strangers from one address get half of all connections, and take none from recognised callers', async (t) => {
  const { send, reasons } = await startShared(t, { connectionsMax: 8, unprovenMax: 8 });
  const known = [await send(KNOWN, '127.0.0.2'), await send(KNOWN, '127.0.0.2')];
  const strangers: Socket[] = [];
  for (let n = 0; n < 8; n += 1) strangers.push(await send(HEAD, '127.0.0.2'));
  for (const socket of strangers.slice(0, 4)) await closed(socket);
  t.true([...known, ...strangers.slice(4)].every(({ destroyed }) => !destroyed));
  t.deepEqual(new Set(reasons), new Set(['peer_share']));
  const elsewhere = await send(HEAD, '127.0.0.3');
  t.false(elsewhere.destroyed);
});

test('if the table is full, a connection of the address that has the most is closed, not the oldest of all', async (t) => {
  const { send, reasons } = await startShared(t, { connectionsMax: 5, unprovenMax: 5 });
  const honest = await send(HEAD, '127.0.0.2');
  const greedy = [await send(HEAD, '127.0.0.3'), await send(HEAD, '127.0.0.3')];
  const others = [await send(HEAD, '127.0.0.4'), await send(HEAD, '127.0.0.5')];
  await send(HEAD, '127.0.0.6');
  await closed(greedy[0] as Socket);
  t.true([honest, greedy[1] as Socket, ...others].every(({ destroyed }) => !destroyed));
  t.deepEqual(reasons, ['connection_limit']);
});

test('a recognised caller that is being served keeps its connection, and the newcomer is closed', async (t) => {
  const { send } = await startShared(t, { connectionsMax: 2, unprovenMax: 2 });
  const hanging = KNOWN.replace('/ ', '/hang ');
  const served = [
    await send(hanging, '127.0.0.2', false),
    await send(hanging.replace('one', 'two'), '127.0.0.3', false),
  ];
  await pause(100);
  const newcomer = await send(HEAD, '127.0.0.4', false);
  await closed(newcomer);
  t.true(served.every(({ destroyed }) => !destroyed));
});

test('one caller gets half of all connections, and its own idle ones are closed first', async (t) => {
  const { send, reasons } = await startShared(t, { connectionsMax: 6, unprovenMax: 6 });
  const own: Socket[] = [];
  for (let n = 0; n < 5; n += 1) own.push(await send(KNOWN, '127.0.0.2'));
  for (const socket of own.slice(0, 2)) await closed(socket);
  t.true(own.slice(2).every(({ destroyed }) => !destroyed));
  t.deepEqual(new Set(reasons), new Set(['caller_share']));
});

test('if requests are small, a stranger with half a body is closed, and a known caller is not', async (t) => {
  const half = 'POST /hang HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf';
  const { send } = await startShared(t, { connectionsMax: 9, unprovenMax: 4, needsWholeRequest: true });
  const known = await send(half.replace('Host', 'X-Key: one\r\nHost'), '127.0.0.2', false);
  await pause(100);
  const strangers: Socket[] = [];
  for (let n = 0; n < 3; n += 1) strangers.push(await send(half, '127.0.0.2', false));
  await closed(strangers[0] as Socket);
  t.false(known.destroyed);
});

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
