import { connect, type Socket } from 'node:net';
import test from 'ava';
import { until } from '../support/hub-proxy.ts';
import { rawConnection } from '../support/raw-call.ts';
import { INFO, startPair, type Sidecar } from '../support/sidecar.ts';

/** Few, but enough for Node to start, which reads its modules in parallel. */
const DESCRIPTORS = 128;
const SLOW = '/cgi-bin/menu/get';

const { serial } = test;
const onLinux = process.platform === 'linux' ? serial : serial.skip;

/** Opens connections that send nothing; returns how many are still open. */
function silent(port: number, count: number): { open(): number; close(): void } {
  const sockets = Array.from({ length: count }, (): Socket => {
    const socket = connect(port, '127.0.0.1');
    return socket.on('error', () => undefined);
  });
  return {
    open: () => sockets.filter((socket) => !socket.destroyed).length,
    close: () => sockets.forEach((socket) => socket.destroy()),
  };
}

function cpuSeconds(sidecar: Sidecar): Promise<number> {
  return sidecar.metric('process_cpu_seconds_total');
}

onLinux(
  'connections that take every descriptor show in log and metrics, and leave the rest to the process',
  async (t) => {
    const { sidecar } = await startPair(t, { descriptorsMax: DESCRIPTORS });
    t.is(await sidecar.metric('process_max_fds'), DESCRIPTORS);
    const held = silent(sidecar.port, 3 * DESCRIPTORS);
    const line = await sidecar.untilLine('connection closed: file descriptors are running out');
    t.like(line, { level: 'error', max: DESCRIPTORS, setting: 'WECHAT_SIDECAR_LISTEN (listen)' });
    t.regex(String(line['hint']), /ulimit -n/);
    // The others were closed.
    await until(() => held.open() < DESCRIPTORS);
    // The admin port still responds, and the process does not spin.
    t.true((await sidecar.metric('process_open_fds')) >= DESCRIPTORS - 16);
    const [before, sinceMs] = [await cpuSeconds(sidecar), performance.now()];
    await until(() => performance.now() - sinceMs > 1_000);
    t.true((await cpuSeconds(sidecar)) - before < 0.5);
    t.true(sidecar.lines(line.event).length <= 6);
    held.close();
    await until(async () => (await sidecar.metric('process_open_fds')) < DESCRIPTORS / 2);
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  },
);

onLinux('a connection to the platform that lacks a descriptor is no fault of the platform', async (t) => {
  const { control, sidecar } = await startPair(t, { descriptorsMax: DESCRIPTORS });
  control.delay({ path: SLOW, ms: 3_000 });
  const open = (): Promise<number> => sidecar.metric('process_open_fds');
  const before = await open();
  // All of them are open before the first one needs a second one, to the platform.
  const count = Math.min(75, DESCRIPTORS - 20 - before);
  const callers = await Promise.all(Array.from({ length: count }, () => rawConnection(sidecar.port)));
  await until(async () => (await open()) >= before + callers.length);
  for (const { socket } of callers)
    socket.write(`GET ${SLOW} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  const answers = await Promise.all(callers.map((caller) => caller.untilClosed()));
  const refused = answers.filter((answer) => answer.includes('x-wechat-sidecar-error: overloaded'));
  t.true(refused.length > 0 && refused.length < answers.length, String(refused.length));
  for (const answer of refused) {
    t.regex(answer, /no file descriptor is left for a connection; nothing was sent \(EMFILE\)/);
  }
  t.is(answers.filter((answer) => answer.includes('46003')).length, answers.length - refused.length);
  const line = await sidecar.untilLine('out of file descriptors for upstream connections');
  t.regex(String(line['hint']), /ulimit -n/);
  t.deepEqual(sidecar.lines('upstream connection failed; trying the next'), []);
  const [upstream] = (await sidecar.status()).upstreams;
  t.is(upstream?.state, 'up');
  t.false('lastFailure' in (upstream ?? {}));
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
});
