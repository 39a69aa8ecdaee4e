import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { text as wholeText } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { listen, type Listener } from '../../src/server/listen.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { rawConnection, type RawConnection } from '../support/raw-call.ts';
import { startLanes } from '../support/two-lanes.ts';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

interface Served extends Listener {
  readonly clock: ManualClock;
  readonly pending: ServerResponse[];
  readonly call: () => Promise<RawConnection>;
}

/** A server whose answers wait until the test ends them. */
async function start(t: ExecutionContext, onRequest?: RequestListener): Promise<Served> {
  const clock = new ManualClock();
  const pending: ServerResponse[] = [];
  let arrived: () => void = () => undefined;
  const listener = await listen({
    handler: (request, response) => {
      pending.push(response);
      onRequest?.(request, response);
      arrived();
    },
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    clock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  const call = async (): Promise<RawConnection> => {
    const request = new Promise<void>((resolve) => (arrived = resolve));
    const caller = await rawConnection(listener.port);
    t.teardown(() => caller.socket.destroy());
    caller.socket.write(GET);
    await request;
    return caller;
  };
  return { ...listener, clock, pending, call };
}

async function answered(caller: RawConnection, text: string): Promise<string> {
  return caller.untilReceived(text);
}

async function turns(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a drain waits for calls in flight, and asks every caller to close', async (t) => {
  const served = await start(t);
  const caller = await served.call();
  t.is(served.inFlight(), 1);
  const drained = served.drain({ delayMs: 0, timeoutMs: 25_000 });
  await turns();
  served.clock.advance(20_000);
  served.pending[0]?.end('late but whole');
  t.regex(await caller.untilClosed(), /Connection: close[^]*late but whole$/i);
  t.deepEqual(await drained, { cut: 0 });
});

test('idle connections are closed, and no new ones are accepted', async (t) => {
  const served = await start(t);
  const idle = await served.call();
  served.pending[0]?.end('first');
  await answered(idle, 'first');
  t.deepEqual(await served.drain({ delayMs: 0, timeoutMs: 25_000 }), { cut: 0 });
  await idle.untilClosed();
  await t.throwsAsync(rawConnection(served.port), { code: 'ECONNREFUSED' });
});

test('during the delay new calls are still served', async (t) => {
  const served = await start(t);
  let over = false;
  const drained = served.drain({ delayMs: 5_000, timeoutMs: 25_000 }).then((outcome) => {
    over = true;
    return outcome;
  });
  await turns();
  served.clock.advance(4_999);
  const caller = await served.call();
  served.pending[0]?.end('served in the delay');
  t.regex(await caller.untilClosed(), /Connection: close[^]*served in the delay$/i);
  await turns();
  t.false(over);
  served.clock.advance(1);
  t.deepEqual(await drained, { cut: 0 });
});

test('calls that are left at the timeout are cut and counted; the delay is part of the timeout', async (t) => {
  const served = await start(t);
  const callers = [await served.call(), await served.call()];
  const drained = served.drain({ delayMs: 5_000, timeoutMs: 25_000 });
  served.clock.advance(5_000);
  await turns();
  served.clock.advance(19_999);
  await turns();
  t.is(served.inFlight(), 2);
  served.clock.advance(1);
  t.deepEqual(await drained, { cut: 2 });
  for (const caller of callers) t.is(await caller.untilClosed(), '');
});

test('a connection made just before the stop can still send its call', async (t) => {
  const served = await start(t, (_request, response) => response.end('just in time'));
  const caller = await rawConnection(served.port);
  t.teardown(() => caller.socket.destroy());
  // A whole exchange on another connection, so that the server has surely taken the first one.
  await answered(await served.call(), 'just in time');
  const drained = served.drain({ delayMs: 0, timeoutMs: 25_000 });
  await turns();
  caller.socket.write(GET);
  t.regex(await caller.untilClosed(), /just in time/);
  t.deepEqual(await drained, { cut: 0 });
});

test('a silent connection delays a drain only briefly', async (t) => {
  const served = await start(t, (_request, response) => response.end('x'));
  const silent = await rawConnection(served.port);
  await answered(await served.call(), 'x');
  const drained = served.drain({ delayMs: 0, timeoutMs: 25_000 });
  await turns();
  served.clock.advance(250);
  t.deepEqual(await drained, { cut: 0 });
  await silent.untilClosed();
});

test('a second drain joins the first one', async (t) => {
  const served = await start(t);
  const caller = await served.call();
  const first = served.drain({ delayMs: 0, timeoutMs: 25_000 });
  const second = served.drain({ delayMs: 0, timeoutMs: 1 });
  served.clock.advance(10);
  served.pending[0]?.end('whole');
  await caller.untilClosed();
  t.deepEqual([await first, await second], [{ cut: 0 }, { cut: 0 }]);
});

test('a connection without a TLS handshake delays a drain only briefly, and one that makes it is served', async (t) => {
  const { cert, key } = await makeTestCertificate('platform');
  const pair = { cert: Buffer.from(cert), key: Buffer.from(key) };
  const clock = new ManualClock();
  const accepted: Socket[] = [];
  const listener = await listen({
    handler: (_request, response) => void response.end(),
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    tls: {
      pair: () => pair,
      serve: (server) => server.on('connection', (socket: Socket) => accepted.push(socket)),
      close() {},
    },
    clock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  const silent = await rawConnection(listener.port);
  const half = await rawConnection(listener.port);
  half.socket.write(Buffer.from('16030100', 'hex'));
  const early = await rawConnection(listener.port);
  while (accepted.length < 3) await turns();
  const drained = listener.drain({ delayMs: 0, timeoutMs: 25_000 });
  await turns();
  const late = connectTls({
    socket: early.socket,
    ca: cert,
    servername: 'localhost',
    checkServerIdentity: () => undefined,
  });
  late.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  t.regex(await wholeText(late), /^HTTP\/1\.1 200 /);
  clock.advance(250);
  t.deepEqual(await drained, { cut: 0 });
  for (const caller of [silent, half]) await caller.untilClosed();
});

for (const isExpress of [true, false]) {
  const how = isExpress ? 'in the express lane' : 'in the general lane';
  // More than the buffers of both systems hold.
  const body = Buffer.alloc(24 * 1_024 * 1_024, 'x');

  test(`a drain waits for a caller that still reads a complete response, ${how}`, async (t) => {
    const ended: (() => void)[] = [];
    const headers = ['Content-Length', String(body.length)];
    const { listener } = await startLanes(t, isExpress, {
      handler: (_request, response) => {
        response.writeHead(200, headers).end(body);
        ended.forEach((run) => run());
      },
      ...(isExpress && {
        express: (exchange) => {
          exchange.begin();
          exchange.response.writeHead(200, 'OK', headers);
          exchange.response.end(body);
          exchange.over();
          ended.forEach((run) => run());
          return true;
        },
      }),
    });
    const caller = await rawConnection(listener.port);
    const isEnded = new Promise<void>((resolve) => ended.push(resolve));
    caller.socket.pause();
    caller.socket.write(GET);
    await isEnded;
    let isDrained = false;
    const drained = listener.drain({ delayMs: 0, timeoutMs: 25_000 }).finally(() => (isDrained = true));
    await turns();
    t.false(isDrained);
    caller.socket.resume();
    const answer = await caller.untilClosed();
    t.is(answer.length - answer.indexOf('\r\n\r\n') - 4, body.length);
    t.deepEqual(await drained, { cut: 0 });
  });
}
