import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MIB } from '../support/memory.ts';
import { RawConnection } from '../support/raw-call.ts';
import { INFO, type Pair, type Sidecar, startPair } from '../support/sidecar.ts';

const POST_PATH = '/cgi-bin/message/custom/send';
const FOREIGN = 'access_token=somebody-elses-token-of-some-length';

/** Waits until nothing is in flight or buffered. */
async function untilForgotten(sidecar: Sidecar): Promise<void> {
  for (;;) {
    const { inFlight, replayBufferBytes } = await sidecar.status();
    if (inFlight === 0 && replayBufferBytes === 0) return;
    await pause(25);
  }
}

function write(sidecar: Sidecar, bytes: string): () => void {
  const socket = connect(sidecar.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(bytes);
  return () => socket.destroy();
}

/** The platform sees the end of the call, and a stop has nothing to wait for. */
async function endsEverywhere(t: ExecutionContext, { control, sidecar }: Pair, path: string): Promise<void> {
  await untilForgotten(sidecar);
  while (control.arrivals({ path }).some(({ outcome }) => outcome === 'open')) await pause(25);
  t.deepEqual([...new Set(control.arrivals({ path }).map(({ outcome }) => outcome))], ['left']);
  t.is(await sidecar.metric('wechat_sidecar_requests_in_flight'), 0);
  t.is((await sidecar.call(INFO)).status, 200);
}

for (const query of ['?', `?${FOREIGN}`]) {
  const how = query === '?' ? 'injected' : 'passed through';

  test.serial(`a caller that disconnects before the response ends the call (${how})`, async (t) => {
    const pair = await startPair(t);
    pair.control.break({ path: POST_PATH, fault: { kind: 'silent' } });
    const leave = write(
      pair.sidecar,
      `POST ${POST_PATH}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`,
    );
    await pair.control.arrived({ path: POST_PATH });
    leave();
    await endsEverywhere(t, pair, POST_PATH);
  });

  test.serial(`a caller that disconnects in the middle of its body ends the call (${how})`, async (t) => {
    const pair = await startPair(t);
    const leave = write(
      pair.sidecar,
      `POST ${POST_PATH}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n\r\n{"half":`,
    );
    await pair.control.arrived({ path: POST_PATH });
    leave();
    await endsEverywhere(t, pair, POST_PATH);
  });

  test.serial(`a caller that disconnects in the middle of a long response ends it (${how})`, async (t) => {
    const pair = await startPair(t);
    const path = '/cgi-bin/media/get';
    const splitAt = Array.from({ length: 63 }, (_, i) => (i + 1) * MIB);
    pair.control.answer({ path, body: Buffer.alloc(64 * MIB), splitAt });
    const response = await new Promise<{ destroy(): void }>((resolve, reject) => {
      const call = request(`${pair.sidecar.base}${path}${query}`, { agent: false }, resolve);
      call.on('error', reject).end();
    });
    response.destroy();
    await endsEverywhere(t, pair, path);
  });
}

for (const query of ['?', `?${FOREIGN}`]) {
  const how = query === '?' ? 'injected' : 'passed through';

  test.serial(`a caller that half-closes after its request gets its response (${how})`, async (t) => {
    const { control, sidecar } = await startPair(t);
    for (const [target, body] of [
      [`/cgi-bin/menu/get${query}`, ''],
      [`${POST_PATH}${query}`, '{"touser":"o"}'],
    ] as const) {
      for (const ms of [0, 200, 1_500]) {
        control.delay({ path: '/cgi-bin/m*', ms });
        const method = body === '' ? 'GET' : 'POST';
        const socket = connect({ port: sidecar.port, host: '127.0.0.1', allowHalfOpen: true });
        const connection = new RawConnection(socket);
        socket.end(
          `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
        socket.once('end', () => socket.destroy());
        const answer = await connection.untilClosed();
        // How many there are is tested with a turned clock.
        const interims = /^(?:HTTP\/1\.1 100 Continue\r\n\r\n){0,2}HTTP\/1\.1 200 OK\r\n/;
        t.regex(answer, interims, `${method} after ${ms} ms`);
        t.regex(answer, /\r\n\r\n\{"errcode":/);
      }
    }
  });
}

test.serial('if a caller disconnects in the middle of a chunked body, nothing is sent', async (t) => {
  const { control, sidecar } = await startPair(t);
  const leave = write(
    sidecar,
    `POST ${POST_PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n`,
  );
  while ((await sidecar.status()).replayBufferBytes === 0) await pause(25);
  leave();
  await untilForgotten(sidecar);
  t.is(control.arrivals().length, 0);
});

test.serial('if a caller disconnects while its call waits for a token, it is not sent', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.expire();
  control.delay({ path: '/cgi-bin/stable_token', ms: 1_000 });
  const leave = write(sidecar, `GET ${INFO} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await control.arrived({ path: '/cgi-bin/stable_token' });
  leave();
  await untilForgotten(sidecar);
  await sidecar.untilLines('token refreshed', 2);
  t.is((await sidecar.call('/cgi-bin/menu/get')).status, 200);
  t.is(control.arrivals({ path: '/cgi-bin/user/info' }).length, 1, 'the call is not replayed');
});

test.serial(
  'if a caller with pipelined calls disconnects, those that are queued behind the first one end too',
  async (t) => {
    const pair = await startPair(t);
    const { control, sidecar } = pair;
    const path = '/cgi-bin/menu/get';
    control.break({ path, fault: { kind: 'silent' } });
    const big = `/cgi-bin/media/get?media_id=SIM_ZEROS_${64 * MIB}`;
    const targets = [path, path, `${path}?${FOREIGN}`, big, INFO];
    const leave = write(
      sidecar,
      targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''),
    );
    await control.arrived({ count: targets.length });
    leave();
    await endsEverywhere(t, pair, path);
    await endsEverywhere(t, pair, '/cgi-bin/media/get');
    t.is((await sidecar.stop()).code, 0);
  },
);
