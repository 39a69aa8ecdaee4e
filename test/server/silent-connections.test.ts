import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { listen } from '../../src/server/listen.ts';
import { rawCall } from '../support/raw-call.ts';

test('two thousand silent connections do no harm, and are closed in time', async (t) => {
  const count = 2_000;
  const listener = await listen({
    handler: (request, response) => response.end(`hello ${request.url}`),
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    limits: { unprovenMax: count, hasManyPeers: false, headersTimeoutMs: 3_000, checkIntervalMs: 200 },
    clock: systemClock,
    log: silentLog,
  });
  t.teardown(() => listener.close());
  const { port } = listener;
  let closed = 0;
  let allClosed: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (allClosed = resolve));
  for (let n = 0; n < count; n += 100) {
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const socket = connect(port, '127.0.0.1');
        t.teardown(() => socket.destroy());
        socket.on('error', () => undefined);
        socket.once('close', () => {
          closed += 1;
          if (closed === count) allClosed();
        });
        socket.resume();
        await once(socket, 'connect');
      }),
    );
  }
  t.regex(await rawCall(port, 'GET /meanwhile HTTP/1.0\r\n\r\n'), /hello \/meanwhile$/);
  await done;
  t.is(closed, count);
});
