import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { makeTestCertificate } from '../support/certificates.ts';
import { call, listening, OK, type Outcome, upstreamOf } from '../support/direct-upstream.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TurnedClock } from '../support/turned-clock.ts';

/** Accepts connections, and says nothing. */
async function startSilent(t: ExecutionContext): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  return { port: await listening(t, server), sockets };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(5);
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a second connection resumes the session of the first, by ${version}`, async (t) => {
    const { cert, key } = await makeTestCertificate('platform');
    const resumed: boolean[] = [];
    const options: TlsOptions = { cert, key, minVersion: version, maxVersion: version };
    const server = createTlsServer(options, (socket: TLSSocket) => {
      resumed.push(socket.isSessionReused());
      // The tickets of TLS 1.3 come after the handshake, with the first answer or later.
      socket.on('data', () => socket.end(OK));
      socket.on('error', () => {});
    });
    const port = await listening(t, server);
    const upstream = upstreamOf(t, [`https://127.0.0.1:${port}`], new TurnedClock(), cert);
    for (let time = 0; time < 3; time += 1) t.is(await call(upstream).outcome, 'ok');
    t.deepEqual(resumed, [false, true, true]);
  });
}

test('connecting to one origin, including TLS, takes 1,200 ms at most, and to all of them 2.5 s', async (t) => {
  const { port, sockets } = await startSilent(t);
  const clock = new ManualClock();
  const urls = ['', '/b', '/c', '/d'].map((path) => `https://127.0.0.1:${port}${path}`);
  const upstream = upstreamOf(t, urls, clock);
  let outcome: Outcome | undefined;
  void call(upstream).outcome.then((found) => (outcome = found));
  for (const [connections, limitMs] of [
    [1, 1_200],
    [2, 1_200],
    [3, 100],
  ] as const) {
    await until(() => sockets.length === connections);
    clock.advance(limitMs - 1);
    await pause(20);
    t.is(sockets.length, connections);
    t.is(outcome, undefined);
    clock.advance(1);
  }
  await until(() => outcome !== undefined);
  t.is(outcome, 'unreachable');
  t.is(sockets.length, 3);
});

test('an unreachable origin is detected although the caller has disconnected', async (t) => {
  const [silent, well] = [
    await startSilent(t),
    createServer((socket) => socket.on('data', () => socket.write(OK))),
  ];
  const urls = [`https://127.0.0.1:${silent.port}`, `http://127.0.0.1:${await listening(t, well)}`];
  const upstream = upstreamOf(t, urls, new TurnedClock());
  const first = call(upstream);
  await until(() => silent.sockets.length === 1);
  first.leave();
  upstream.clock.turn(1_200);
  t.is(upstream.origins.health()[0]?.state, 'skipped');
  t.is(await call(upstream).outcome, 'ok');
  t.is(silent.sockets.length, 1);
});

test('the connection of a caller that disconnects meanwhile serves the next call', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', () => socket.write(OK));
  });
  const upstream = upstreamOf(t, [`http://127.0.0.1:${await listening(t, server)}`], new TurnedClock());
  call(upstream).leave();
  await until(() => sockets.length === 1);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 1);
});

test('a connection is at most ten minutes old, and idle for as long as its server says, less a margin', async (t) => {
  let answer = OK;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', () => socket.write(answer));
  });
  const upstream = upstreamOf(t, [`http://127.0.0.1:${await listening(t, server)}`], new ManualClock());
  t.is(await call(upstream).outcome, 'ok');
  for (let ageMs = 0; ageMs < 585_000; ageMs += 13_000) {
    upstream.clock.advance(13_000);
    t.is(await call(upstream).outcome, 'ok');
  }
  t.is(sockets.length, 1);
  upstream.clock.advance(14_999);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 1);
  upstream.clock.advance(1);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 2);

  answer = OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=5\r\n\r\n');
  t.is(await call(upstream).outcome, 'ok');
  upstream.clock.advance(3_999);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 2);
  upstream.clock.advance(4_000);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 3);
});

test('at most 32 connections are opened to one origin at a time', async (t) => {
  const silent = await startSilent(t);
  const clock = new ManualClock();
  const upstream = upstreamOf(t, [`https://127.0.0.1:${silent.port}`], clock);
  const outcomes: (string | undefined)[] = [];
  for (let each = 0; each < 100; each += 1) {
    upstream.pools.connector.connect(upstream.origins.first(), 2_500, (error) => outcomes.push(error?.code));
  }
  await until(() => silent.sockets.length === 32);
  await pause(50);
  t.is(silent.sockets.length, 32);
  clock.advance(1_200);
  t.deepEqual(
    outcomes,
    Array.from({ length: 100 }, () => 'ETIMEDOUT'),
  );
});

test('a connection that is opened ahead serves the first call', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', () => socket.write(OK));
  });
  const upstream = upstreamOf(t, [`http://127.0.0.1:${await listening(t, server)}`], new TurnedClock());
  upstream.pools.warm(upstream.origins.first());
  await until(() => sockets.length === 1);
  await pause(50);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 1);
});

test('calls that wait behind 32 handshakes go to the next origin with the others', async (t) => {
  const silent = await startSilent(t);
  const served = createServer((socket) => void socket.on('data', () => socket.write(OK)));
  const clock = new ManualClock();
  const urls = [`https://127.0.0.1:${silent.port}`, `http://127.0.0.1:${await listening(t, served)}`];
  const upstream = upstreamOf(t, urls, clock);
  const calls = Array.from({ length: 120 }, () => call(upstream).outcome);
  await until(() => silent.sockets.length === 32);
  clock.advance(1_200);
  t.deepEqual(new Set(await Promise.all(calls)), new Set(['ok']));
});

test('a GET that dies on a connection that was opened ahead is sent once more', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    // A server that has just let go of an idle connection.
    const isFirst = sockets.length === 1;
    socket.on('data', () => void (isFirst ? socket.destroy() : socket.write(OK)));
  });
  const upstream = upstreamOf(t, [`http://127.0.0.1:${await listening(t, server)}`], new TurnedClock());
  upstream.pools.warm(upstream.origins.first());
  await until(() => sockets.length === 1);
  await pause(50);
  t.is(await call(upstream).outcome, 'ok');
  t.is(sockets.length, 2);
});

test('calls that wait behind 32 slow handshakes of an origin that is well are served by it', async (t) => {
  const { cert, key } = await makeTestCertificate('platform');
  const handshakes: (() => void)[] = [];
  const answers: (() => void)[] = [];
  const inner = createTlsServer({ cert, key }, (socket: TLSSocket) => {
    socket.on('error', () => {});
    socket.on('data', () => answers.push(() => socket.write(OK)));
  });
  const server = createServer((socket) => handshakes.push(() => inner.emit('connection', socket)));
  const clock = new ManualClock();
  const upstream = upstreamOf(t, [`https://127.0.0.1:${await listening(t, server)}`], clock, cert);
  const outcomes: Outcome[] = [];
  for (let each = 0; each < 100; each += 1) void call(upstream).outcome.then((it) => outcomes.push(it));
  await until(() => handshakes.length === 32);
  clock.advance(800);
  for (const finish of handshakes.splice(0)) finish();
  await until(() => answers.length === 32);
  clock.advance(600);
  t.deepEqual(outcomes, []);
  while (outcomes.length < 100) {
    for (const go of [...handshakes.splice(0), ...answers.splice(0)]) go();
    await pause(5);
  }
  t.deepEqual(new Set(outcomes), new Set(['ok']));
});
