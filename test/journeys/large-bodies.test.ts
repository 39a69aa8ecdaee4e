import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { MIB, peakBytes } from '../support/memory.ts';
import { costOf, INFO, type Sidecar, startPair } from '../support/sidecar.ts';

const FOREIGN = 'access_token=somebody-elses-token-of-some-length';
/** An endpoint that accepts any body. */
const UPLOAD = '/wxa/sec/vod/uploadpart?part=1';
/**
 * Buffers that have been passed on stay until garbage collection, which newer versions of Node run after
 * about 64 MiB of them. What matters is that memory stays below the size of the body and does not grow with
 * it.
 */
const GROWTH_BYTES_MAX = 128 * MIB;

/** Returns the length of the response body; `stallMs` is how long it is left unread. */
async function drink(sidecar: Sidecar, path: string, stallMs = 0): Promise<number> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(sidecar.base + path, { agent: false }, resolve)
      .on('error', reject)
      .end();
  });
  await pause(stallMs);
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  return bytes;
}

interface Uploaded {
  readonly status: number | undefined;
  readonly text: string;
  readonly sha256: string;
}

async function upload(sidecar: Sidecar, path: string, bytes: number): Promise<Uploaded> {
  const piece = Buffer.alloc(MIB / 4, 'w');
  const hash = createHash('sha256');
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'content-length': bytes, 'content-type': 'multipart/form-data; boundary=b' };
    const call = request(sidecar.base + path, { method: 'POST', headers, agent: false }, resolve);
    call.on('error', reject);
    const body = Readable.from(
      (function* pieces() {
        for (let at = 0; at < bytes; at += piece.length) {
          hash.update(piece);
          yield piece;
        }
      })(),
    );
    body.pipe(call);
  });
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text, sha256: hash.digest('hex') };
}

test.serial('a 200 MB download, even to a slow reader, needs only tens of megabytes', async (t) => {
  t.timeout(120_000);
  const { control, sidecar } = await startPair(t);
  const bytes = 200 * MIB;
  const path = `/cgi-bin/media/get?media_id=SIM_ZEROS_${bytes}`;
  await drink(sidecar, `/cgi-bin/media/get?media_id=SIM_ZEROS_${MIB}`);
  const before = peakBytes(sidecar.pid);
  t.is(await drink(sidecar, path, 500), bytes);
  // The same when passing through: this response does not depend on the token.
  control.break({
    path: '/cgi-bin/media/get',
    fault: { kind: 'status', status: 200, body: 'z'.repeat(bytes) },
  });
  t.is(await drink(sidecar, `${path}&${FOREIGN}`, 500), bytes);
  const growth = peakBytes(sidecar.pid) - before;
  t.true(growth < GROWTH_BYTES_MAX, `${growth / MIB} MiB more`);
});

test.serial(
  'a 150 MB upload, whether injected or with a foreign token, needs only tens of megabytes of memory',
  async (t) => {
    t.timeout(120_000);
    const { control, sidecar } = await startPair(t);
    await upload(sidecar, UPLOAD, MIB);
    const before = peakBytes(sidecar.pid);
    for (const query of ['', `&${FOREIGN}`]) {
      const { status, text, sha256 } = await upload(sidecar, UPLOAD + query, 150 * MIB);
      t.is(status, 200);
      t.regex(text, query === '' ? /"errcode":0,/ : /"errcode":40001/);
      const arrived = control.arrivals({ path: '/wxa/sec/vod/uploadpart' }).at(-1);
      t.is(arrived?.body?.sha256, sha256);
      t.is(arrived?.body?.lengthBytes, 150 * MIB);
    }
    const growth = peakBytes(sidecar.pid) - before;
    t.true(growth < GROWTH_BYTES_MAX, `${growth / MIB} MiB more`);
  },
);

for (const [what, uploads, bytes] of [
  ['an upload over the limit for replays', 1, 150 * MIB],
  ['uploads over the memory for replays', 8, 19 * MIB],
] as const) {
  test.serial(`${what} that the platform does not read: backpressure instead of buffering`, async (t) => {
    const { control, sidecar } = await startPair(t, { env: { WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT: '1MiB' } });
    await upload(sidecar, UPLOAD, MIB / 2);
    const before = peakBytes(sidecar.pid);
    control.break({ path: '/wxa/sec/vod/uploadpart', early: true, fault: { kind: 'silent' } });
    const floods = Array.from({ length: uploads }, () => flood(sidecar, bytes));
    await control.arrived({ path: '/wxa/sec/vod/uploadpart', count: 1 + uploads });
    await pause(2_000);
    const sent = floods.reduce((sum, each) => sum + each.sent(), 0);
    t.true(sent < 100 * MIB, `${sent / MIB} MiB were taken`);
    const growth = peakBytes(sidecar.pid) - before;
    t.true(growth < GROWTH_BYTES_MAX, `${growth / MIB} MiB more`);
    for (const { leave } of floods) leave();
    t.is((await sidecar.call(INFO)).status, 200);
  });
}

/** Writes as fast as it is accepted. */
function flood(sidecar: Sidecar, bytes: number): { sent(): number; leave(): void } {
  const headers = { 'content-length': bytes };
  const call = request(sidecar.base + UPLOAD, { method: 'POST', headers, agent: false });
  const piece = Buffer.alloc(MIB / 4);
  let sent = 0;
  const goOn = (): void => {
    while (sent < bytes) {
      sent += piece.length;
      if (!call.write(piece)) return;
    }
  };
  call.on('drain', goOn).on('error', () => undefined);
  goOn();
  return { sent: () => sent, leave: () => void call.destroy() };
}

test.serial(
  'a large upload with a dead token: the refusal is passed on, and the next attempt succeeds',
  async (t) => {
    const { control, sidecar } = await startPair(t);
    control.expire();
    const query = `&access_token=${await sidecar.standIn()}`;
    const first = await upload(sidecar, UPLOAD + query, 25 * MIB);
    t.regex(first.text, /"errcode":42001/, 'not negated: the caller, who has the body, should try again');
    t.is(await sidecar.metric('wechat_sidecar_replays_skipped_total', 'reason="body_too_large"'), 1);
    const second = await upload(sidecar, UPLOAD + query, 25 * MIB);
    t.regex(second.text, /"errcode":0,/);
    t.is(costOf(control).fetches, 1);
  },
);

test.serial('40 uploads of 10 MB at once stay within the replay memory', async (t) => {
  t.timeout(120_000);
  const { control, sidecar } = await startPair(t, { env: { WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT: '64MiB' } });
  await upload(sidecar, UPLOAD, MIB);
  const before = peakBytes(sidecar.pid);
  control.clear();
  control.expire();
  let heldMax = 0;
  let over = false;
  const watch = (async () => {
    while (!over) {
      heldMax = Math.max(heldMax, await sidecar.metric('wechat_sidecar_replay_buffer_bytes'));
      await pause(50);
    }
  })();
  const uploads = await Promise.all(Array.from({ length: 40 }, () => upload(sidecar, UPLOAD, 10 * MIB)));
  over = true;
  await watch;
  // After many requests the metrics page is up to half a second old.
  while ((await sidecar.metric('wechat_sidecar_replay_buffer_bytes')) > 0) await pause(100);
  const refused = uploads.filter(({ text }) => text.includes('"errcode":42001')).length;
  const done = uploads.filter(({ text }) => text.includes('"errcode":0,')).length;
  t.is(refused + done, 40, 'each was either healed, or told of the dead token');
  // Because the memory is used up, or the token arrived late on a machine that is busy with all these
  // bytes.
  t.is(await sidecar.metric('wechat_sidecar_replays_skipped_total'), refused);
  t.true((await sidecar.metric('wechat_sidecar_replays_skipped_total', 'reason="memory_limit"')) > 0);
  t.true(heldMax > 0 && heldMax <= 64 * MIB, `${heldMax / MIB} MiB held`);
  const growth = peakBytes(sidecar.pid) - before;
  // A kept body may exist twice while it is written, and the heap grows under load anyway.
  t.true(growth < 256 * MIB, `${growth / MIB} MiB more`);
  t.is(costOf(control).fetches, 1);
});
