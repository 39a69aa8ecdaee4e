import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { PROXY_LIMITS } from '../../src/proxy/limits.ts';
import { MIB, peakBytes } from '../support/memory.ts';
import { INFO, startPair } from '../support/sidecar.ts';
import { patientClock } from '../support/patient-clock.ts';

const SILENT = 2_000;
const AT_ONCE = 100;
/** The time limit for request headers, half a minute, and the same again for a busy machine. */
const CLOSED_MS_MAX = 70_000;

/** The ways of sending nothing or almost nothing. */
const WORDS = ['', 'G', 'GET /cgi-bin/menu/get HTTP/1.1\r\nHost: localhost\r\nX-Slow: '];

test('2,000 silent connections: others are served at once, memory is bounded, and they are closed in time', async (t) => {
  t.timeout(150_000);
  const { sidecar } = await startPair(t);
  await sidecar.call(INFO);
  const before = peakBytes(sidecar.pid);
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < SILENT) {
    const batch = Array.from({ length: AT_ONCE }, (_, i) => {
      const socket = connect(sidecar.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(WORDS[i % WORDS.length] ?? '');
      return socket;
    });
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    sockets.push(...batch);
  }
  const closed = Promise.all(sockets.map(untilClosed));

  for (let i = 0; i < 20; i += 1) {
    const beganMs = patientClock.monotonicMs();
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    t.true(patientClock.monotonicMs() - beganMs < 3_000);
  }
  t.is(await sidecar.health('livez'), 200);
  const growth = peakBytes(sidecar.pid) - before;
  t.true(growth < 100 * MIB, `${growth / MIB} MiB more`);
  const held = sockets.filter((socket) => !socket.destroyed).length;
  t.true(held > 0 && held <= PROXY_LIMITS.unprovenMax, `${held} are there, and the older ones gave way`);

  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy(new Error('still open'));
  }, CLOSED_MS_MAX);
  await closed;
  clearTimeout(timer);
  t.deepEqual(
    sockets.filter((socket) => socket.errored?.message === 'still open'),
    [],
  );
  t.is((await sidecar.call(INFO)).status, 200);
});

async function untilClosed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}
