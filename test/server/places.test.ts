import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { listen } from '../../src/server/listen.ts';
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

test('a caller that has sent a request stays, and of silent connections the oldest gives way', async (t) => {
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

test('a connection that finished TLS and sent half a head gives way like a silent one', async (t) => {
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

test('if all have sent requests, the one whose last request is the longest ago gives way', async (t) => {
  const { caller } = await start(t);
  const [first, second, ...others] = [await caller(), await caller(), await caller(), await caller()];
  await ask(first);
  await caller();
  await closed(second);
  for (const socket of [first, ...others]) await ask(socket);
  t.pass();
});

test('connections that have closed leave their place', async (t) => {
  const { caller } = await start(t);
  const kept = await caller();
  for (let n = 0; n < 3 * MAX; n += 1) {
    const socket = await caller();
    socket.destroy();
  }
  await ask(kept);
  t.false(kept.destroyed);
});

test('of connections that say nothing one address may hold half, and the oldest gives way', async (t) => {
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
