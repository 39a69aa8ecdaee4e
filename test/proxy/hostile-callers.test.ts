import test from 'ava';
import { MIB, peakBytes } from '../support/memory.ts';
import { rawConnection } from '../support/raw-call.ts';
import { OK, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { startSidecar } from '../support/sidecar.ts';

test('pipelined calls whose caller disconnects are ended and no longer counted', async (t) => {
  const upstream = await startScriptedUpstream(t, () => undefined);
  const sidecar = await startSidecar(t, [upstream.origin]);
  const caller = await rawConnection(sidecar.port);
  caller.socket.write('GET /wxa/x HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
  for (let tries = 0; upstream.requests.length < 3 && tries < 200; tries++) await pause(50);
  t.is(upstream.requests.length, 3);
  caller.socket.destroy();
  let inFlight = 3;
  for (let tries = 0; inFlight > 0 && tries < 40; tries++) {
    await pause(50);
    inFlight = (await sidecar.status()).inFlight;
  }
  t.is(inFlight, 0);
  t.is(await sidecar.metric('wechat_sidecar_requests_in_flight'), 0);
});

test('all calls that were pipelined before a stop get a response', async (t) => {
  const held: (() => void)[] = [];
  const upstream = await startScriptedUpstream(t, (_, socket) => void held.push(() => socket.write(OK)));
  const sidecar = await startSidecar(t, [upstream.origin]);
  const caller = await rawConnection(sidecar.port);
  caller.socket.write('GET /wxa/x HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
  for (let tries = 0; held.length < 3 && tries < 200; tries++) await pause(50);
  sidecar.signal('SIGTERM');
  await sidecar.untilLine('stopping');
  for (const answer of held) answer();
  const got = await caller.untilClosed();
  t.is(got.match(/HTTP\/1\.1 200 /g)?.length, 3);
});

test('a body in chunks of one byte stays within its memory limit', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const sidecar = await startSidecar(t, [upstream.origin]);
  const before = peakBytes(sidecar.pid);
  const caller = await rawConnection(sidecar.port);
  caller.socket.write('POST /wxa/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
  const piece = '1\r\nx\r\n'.repeat(50_000);
  for (let sent = 0; sent < 1_000_000; sent += 50_000) {
    await new Promise((resolve) => caller.socket.write(piece, resolve));
  }
  caller.socket.write('0\r\n\r\n');
  await caller.untilReceived('"errmsg":"ok"');
  caller.socket.destroy();
  t.true(peakBytes(sidecar.pid) - before < 100 * MIB, `${(peakBytes(sidecar.pid) - before) / MIB} MiB`);
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
