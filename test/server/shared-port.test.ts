import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import test from 'ava';
import { canSharePorts, SOCKETS } from '../../src/server/shared-port.ts';
import { startListener as start } from '../support/listener.ts';
import { type RawConnection, rawCall, rawConnection } from '../support/raw-call.ts';

/** Newer versions of Node have several sockets for each port, older ones have one: what follows holds for both. */
const MANY = 8 * SOCKETS;
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

function connections(port: number, count = MANY): Promise<RawConnection[]> {
  return Promise.all(Array.from({ length: count }, () => rawConnection(port)));
}

/** How many sockets of this machine listen on a port of 127.0.0.1. */
function listening(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${local} `) && line.includes(' 0A ')).length;
}

test('a port has several sockets if Node and the system support that, and none once it is closed', async (t) => {
  if (!existsSync('/proc/net/tcp')) {
    t.pass('This system does not tell who listens.');
    return;
  }
  const { port, close } = await start(t, () => undefined);
  t.is(listening(port), (await canSharePorts()) ? SOCKETS : 1);
  await close();
  t.is(listening(port), 0);
});

test('listeners that start together and let the system choose each get their own port', async (t) => {
  const all = await Promise.all(Array.from({ length: 200 }, () => start(t, () => undefined)));
  t.is(new Set(all.map(({ port }) => port)).size, all.length);
});

test('a port that another listener has opened with several sockets is in use', async (t) => {
  const { port } = await start(t, () => undefined);
  await t.throwsAsync(
    start(t, () => undefined, { port }),
    { message: /another program already uses this port/ },
  );
});

test('limits of connections hold over all sockets of a port', async (t) => {
  const limits = { connectionsMax: 20, unprovenMax: 10, hasManyPeers: false };
  let cut = 0;
  const { port } = await start(t, (_request, response) => response.end('served'), {
    limits,
    onCut: () => (cut += 1),
  });
  const silent = await connections(port);
  t.regex(await rawCall(port, 'GET / HTTP/1.0\r\n\r\n'), /served$/);
  await Promise.all(silent.slice(0, MANY - limits.unprovenMax).map((each) => each.untilClosed()));
  // The one that was served had a place too.
  t.true(cut >= MANY - limits.unprovenMax, `${cut}`);
  t.true(silent.filter(({ socket }) => !socket.closed).length <= limits.unprovenMax);
});

test('a drain answers calls in flight on every socket of a port, and then nothing listens', async (t) => {
  const owed: ServerResponse[] = [];
  let all: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (all = resolve));
  const listener = await start(t, (_request, response) => {
    owed.push(response);
    if (owed.length === MANY) all();
  });
  const callers = await connections(listener.port);
  for (const { socket } of callers) socket.write(REQUEST);
  await arrived;
  t.is(listener.inFlight(), MANY);
  const drained = listener.drain({ delayMs: 0, timeoutMs: 30_000 });
  const refused = connect(listener.port, '127.0.0.1');
  t.like((await once(refused, 'error'))[0], { code: 'ECONNREFUSED' });
  for (const response of owed) response.end('served');
  for (const caller of callers)
    t.regex(await caller.untilClosed(), /^HTTP\/1\.1 200 [^]*connection: close[^]*served/i);
  t.deepEqual(await drained, { cut: 0 });
});

test('closing cuts the connections of every socket of a port', async (t) => {
  const listener = await start(t, () => undefined);
  const callers = await connections(listener.port);
  for (const { socket } of callers) socket.write(REQUEST);
  while (listener.inFlight() < MANY) await new Promise((resolve) => setImmediate(resolve));
  await listener.close();
  for (const caller of callers) t.is(await caller.untilClosed(), '');
});
