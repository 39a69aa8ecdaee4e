import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { copyIfShared } from '../../src/base/read-buffer.ts';
import { readIntoOneBuffer } from '../../src/server/shared-reading.ts';
import { rawConnection } from '../support/raw-call.ts';
import { startLanes } from '../support/two-lanes.ts';

async function accepted(t: ExecutionContext): Promise<{ socket: Socket; caller: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const caller = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = await connected;
  t.teardown(() => {
    caller.destroy();
    socket.destroy();
    server.close();
  });
  return { socket, caller };
}

test('an accepted socket reads into the shared buffer, and becomes an ordinary stream again', async (t) => {
  const { socket, caller } = await accepted(t);
  let kinds = '';
  let readAsUsual: (() => void) | undefined;
  const first = new Promise<string>((resolve) => {
    readAsUsual = readIntoOneBuffer(socket, (bytes) => {
      kinds = `${copyIfShared(bytes) === bytes} ${copyIfShared(Buffer.from(bytes)).equals(bytes)}`;
      resolve(bytes.toString());
    });
  });
  // Undefined would mean that this version of Node keeps the fields elsewhere.
  t.not(readAsUsual, undefined);
  caller.write('one');
  t.is(await first, 'one');
  t.is(kinds, 'false true');

  readAsUsual?.();
  const second = once(socket, 'data') as Promise<[Buffer]>;
  caller.write('two');
  const [chunk] = await second;
  t.is(chunk.toString(), 'two');
  t.is(copyIfShared(chunk), chunk);
  caller.end();
  await once(socket, 'end');
});

test('two connections that send their requests in turns, piece by piece, are not mixed', async (t) => {
  const lanes = await startLanes(t, true);
  const callers = await Promise.all(['a', 'b'].map(() => rawConnection(lanes.listener.port)));
  const requests = ['a', 'b'].map(
    (name) => `POST /${name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n${name.repeat(4)}`,
  );
  for (let at = 0; at < 80; at += 9) {
    callers.forEach(({ socket }, index) => socket.write(requests[index]?.slice(at, at + 9) ?? ''));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  for (const [index, caller] of callers.entries()) {
    await caller.untilReceived(`express /${'ab'[index]}\n`);
  }
  const seen = lanes.seen.map(({ url, body, lane }) => `${lane} ${url} ${body}`).toSorted();
  t.deepEqual(seen, ['express /a aaaa', 'express /b bbbb']);
});

test('a large body that moves a connection to the general lane arrives whole', async (t) => {
  const lanes = await startLanes(t, true);
  const caller = await rawConnection(lanes.listener.port);
  caller.socket.write('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await caller.untilReceived('express /a\n');
  const body = 'x'.repeat(700_000) + 'y'.repeat(300_000);
  caller.socket.write(`POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await caller.untilReceived('general /b\n');
  t.is(lanes.seen[1]?.body, body);
});
