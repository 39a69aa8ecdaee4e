import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { listen } from '../../src/server/listen.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RawConnection } from '../support/raw-call.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Bench {
  readonly clock: ManualClock;
  /** Sends the bytes, and closes its side as soon as they are out. */
  readonly send: (bytes: string) => Promise<RawConnection>;
  /** The next request that arrives, and its end: `answered` or `gone`. */
  readonly next: () => Promise<{ response: ServerResponse; ended: Promise<string> }>;
}

async function start(t: ExecutionContext, handler?: RequestListener): Promise<Bench> {
  const clock = new ManualClock();
  const arrived: [IncomingMessage, ServerResponse][] = [];
  let wake = (): void => {};
  const listener = await listen({
    handler: (request, response) => {
      handler?.(request, response);
      arrived.push([request, response]);
      wake();
    },
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    halfClose: true,
    clock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  return {
    clock,
    async send(bytes) {
      const socket = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
      t.teardown(() => socket.destroy());
      const connection = new RawConnection(socket);
      socket.end(bytes);
      socket.once('end', () => socket.destroy());
      await once(socket, 'finish');
      return connection;
    },
    async next() {
      while (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const [request, response] = arrived.shift() as [IncomingMessage, ServerResponse];
      request.resume();
      const ended = once(response, 'close').then(() => (response.writableFinished ? 'answered' : 'gone'));
      await untilHalfClosed(request.socket);
      return { response, ended };
    },
  };
}

async function untilHalfClosed(socket: Socket): Promise<void> {
  if (!socket.readableEnded) await once(socket, 'end');
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('a caller that half-closes after its request gets its response, and then the connection ends', async (t) => {
  const { send, next, clock } = await start(t);
  const connection = await send(GET);
  const { response, ended } = await next();
  clock.advance(400);
  response.end('late');
  t.regex(
    await connection.untilClosed(),
    /^HTTP\/1\.1 200 OK\r\n[^]*late\r\n|^HTTP\/1\.1 200 OK\r\n[^]*late$/,
  );
  t.is(await ended, 'answered');
});

test('the same holds for callers that post or pipeline', async (t) => {
  const { send, next } = await start(t);
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}';
  const connection = await send(post + GET);
  const [first, second] = [await next(), await next()];
  second.response.end('second');
  first.response.end('first');
  t.regex(await connection.untilClosed(), /first[^]*second/);
});

test('one that waits for long is asked whether it is there, and waits on', async (t) => {
  const { send, next, clock } = await start(t);
  const connection = await send(GET);
  const { response, ended } = await next();
  for (let seconds = 0; seconds < 30; seconds += 1) clock.advance(1_000);
  await connection.untilReceived('HTTP/1.1 100 Continue\r\n\r\n');
  response.end('at last');
  const received = await connection.untilClosed();
  t.is(received.match(/100 Continue/g)?.length, 2);
  t.regex(received, /100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*at last/);
  t.is(await ended, 'answered');
});

test('a caller that has disconnected is detected, and its call ends', async (t) => {
  const { send, next, clock } = await start(t);
  const connection = await send(GET);
  const { ended } = await next();
  connection.socket.destroy();
  let isOver = false;
  void ended.then(() => (isOver = true));
  // The reset comes back through the system, in a time of its own.
  for (clock.advance(500); !isOver; clock.advance(100)) await new Promise(setImmediate);
  t.is(await ended, 'gone');
});

test('a caller that cannot be probed counts as gone: HTTP/1.0, and a response that has stopped half-way', async (t) => {
  const { send, next, clock } = await start(t);
  await send('GET / HTTP/1.0\r\n\r\n');
  const old = await next();
  clock.advance(500);
  t.is(await old.ended, 'gone');

  const connection = await send(GET);
  const { response, ended } = await next();
  response.write('some');
  await connection.untilReceived('some');
  clock.advance(500);
  response.write('more');
  await connection.untilReceived('more');
  clock.advance(500);
  t.false(response.destroyed, 'it has moved since');
  clock.advance(500);
  t.is(await ended, 'gone');
});

test('the same holds over TLS, except that a caller that half-closes during the handshake is closed immediately', async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key } = await makeTestCertificate('one.test');
  const tls = { certFile: join(folder, 'crt'), keyFile: join(folder, 'key') };
  writeFileSync(tls.certFile, cert);
  writeFileSync(tls.keyFile, key);
  const late: ServerResponse[] = [];
  const { port, close } = await listen({
    handler: (request, response) => {
      request.socket.once('end', () => response.end('late'));
      late.push(response);
    },
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    halfClose: true,
    tls,
    clock: new ManualClock(),
    log: silentLog,
  });
  t.teardown(close);
  const halfHello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]);
  for (const bytes of ['', halfHello]) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const caller = new RawConnection(socket);
    socket.end(bytes);
    socket.once('end', () => socket.destroy());
    await caller.untilClosed();
  }
  const socket = connectTls({ port, host: '127.0.0.1', ca: cert, servername: 'one.test' });
  socket.allowHalfOpen = true;
  t.teardown(() => socket.destroy());
  const caller = new RawConnection(socket);
  await once(socket, 'secureConnect');
  socket.end(GET);
  socket.once('end', () => socket.destroy());
  t.regex(await caller.untilClosed(), /^HTTP\/1\.1 200 OK\r\n[^]*late/);
  t.is(late.length, 1);
});
