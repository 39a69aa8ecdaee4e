import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createServer } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeTestCertificate } from '../support/certificates.ts';
import { patientClock } from '../support/patient-clock.ts';
import { startTestProxy } from '../support/proxy.ts';
import { startScriptedUpstream } from '../support/scripted-upstream.ts';

const CALLS = 24;
const MIB = 1024 * 1024;
/** A caller that does not read leaves some of it in the proxy: the system keeps a few MiB for a connection at most. */
const BODY_BYTES = 8 * MIB;
/** Larger pieces are read as up to 64 KiB at once. */
const PIECES = [700, 9_000, 16_000, 40_000];

type Framing = 'length' | 'chunked' | 'close';

const FRAMINGS: Readonly<Record<Framing, string>> = {
  length: `Content-Length: ${BODY_BYTES}\r\n`,
  chunked: 'Transfer-Encoding: chunked\r\n',
  close: 'Connection: close\r\n',
};

/** Each word says whose it is and where it belongs. */
function bodyOf(call: number): Buffer {
  const words = new Uint32Array(BODY_BYTES / Uint32Array.BYTES_PER_ELEMENT);
  for (let at = 0; at < words.length; at += 1) words[at] = call * 2 ** 24 + at;
  return Buffer.from(words.buffer);
}

async function send(socket: Socket, call: number, framing: Framing): Promise<void> {
  const body = bodyOf(call);
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n${FRAMINGS[framing]}\r\n`);
  for (let at = 0, count = call; at < body.length; count += 1) {
    const piece = body.subarray(at, at + (PIECES[count % PIECES.length] ?? 0));
    at += piece.length;
    if (framing === 'chunked') socket.write(`${piece.length.toString(16)}\r\n`);
    const goesOn = socket.write(piece);
    if (framing === 'chunked') socket.write('\r\n');
    if (goesOn) await turn();
    else await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n');
  if (framing === 'close') socket.end();
}

/** A slow caller begins to read once the others have everything, and then pauses again and again. */
async function received(url: string, othersDone: Promise<unknown> | undefined): Promise<Buffer> {
  const request = get(url, { agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await othersDone;
  const pieces: Buffer[] = [];
  for await (const piece of response) {
    pieces.push(piece as Buffer);
    if (othersDone !== undefined) await turn();
  }
  return Buffer.concat(pieces);
}

/** Speaks TLS in front of a platform that does not, and sends as many records at once as have come. */
async function startTls(t: ExecutionContext, port: number): Promise<{ origin: string; cert: string }> {
  const { cert, key } = await makeTestCertificate('platform');
  const server = createServer({ cert, key }, (socket) => {
    const behind = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      one.pipe(other);
      one.on('error', () => {}).on('close', () => other.destroySoon());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, cert };
}

for (const [framing, isSecure] of [
  ['length', false],
  ['chunked', false],
  ['close', false],
  ['length', true],
] as const) {
  const how = `${framing}${isSecure ? ', over TLS' : ''}`;
  test.serial(
    `downloads side by side arrive as they were sent, even if some callers are slow (${how})`,
    async (t) => {
      t.timeout(120_000);
      const upstream = await startScriptedUpstream(t, async ({ head }, socket) =>
        send(socket, Number(/call=(\d+)/.exec(head)?.[1]), framing),
      );
      const secure = isSecure ? await startTls(t, Number(new URL(upstream.origin).port)) : undefined;
      const env: Record<string, string> =
        secure === undefined ? {} : { WECHAT_SIDECAR_TLS_CA_FILE: 'ca.pem' };
      const files = { 'ca.pem': secure?.cert ?? '' };
      const origin = secure?.origin ?? upstream.origin;
      const proxy = await startTestProxy(t, [origin], env, patientClock, { files });
      const url = (call: number): string => `${proxy.base}/cgi-bin/media/get?call=${call}`;
      const quick = Array.from({ length: CALLS / 2 }, (_, at) => received(url(at), undefined));
      const allQuick = Promise.all(quick);
      const slow = quick.map((_, at) => received(url(CALLS / 2 + at), allQuick));
      const bodies = await Promise.all([...quick, ...slow]);
      const differing = bodies.flatMap((body, call) => (body.equals(bodyOf(call)) ? [] : [call]));
      t.deepEqual(differing, []);
    },
  );
}
