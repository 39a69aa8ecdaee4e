import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import test from 'ava';
import * as fc from 'fast-check';
import { chromium } from 'playwright-core';
import { parseMultipart } from '../../src/simulator/multipart.ts';
import { chromiumPath, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { startPlatform } from '../support/simulator-account.ts';

const BOUNDARY = '----boundary';

function form(
  bytes: Buffer,
  filename = 'a.png',
  type = 'image/png',
): { body: Buffer; headers: Record<string, string> } {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="media"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
  return { body, headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` } };
}

test('any bytes survive a form, whatever they look like', (t) => {
  const lookAlikes = fc
    .constantFrom('\r\n', '--', BOUNDARY.slice(0, 8), '\r\n\r\n', 'x')
    .map((it) => Buffer.from(it));
  const bytes = fc.uint8Array({ maxLength: 40 }).map((it) => Buffer.from(it));
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, lookAlikes), { maxLength: 12 }), (parts) => {
      const content = Buffer.concat(parts);
      const { body, headers } = form(content);
      const [part] = parseMultipart(headers['content-type'] ?? '', body) ?? [];
      return part?.bytes.equals(content) === true && part.name === 'media' && part.filename === 'a.png';
    }),
  );
  t.is(parseMultipart('application/json', Buffer.from('{}')), undefined);
  t.is(parseMultipart(`multipart/form-data; boundary=${BOUNDARY}`, Buffer.from('nothing')), undefined);
});

test('an upload can be downloaded byte for byte, for three days', async (t) => {
  const { clock, call } = await startPlatform(t);
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
  const sent = await call('/cgi-bin/media/upload?type=image', form(bytes));
  const { type, media_id: id, created_at: at } = sent.json();
  t.is(type, 'image');
  t.is(at, Math.floor(clock.unixMs() / 1_000));
  const got = await call(`/cgi-bin/media/get?media_id=${String(id)}`);
  t.true(got.body.equals(bytes));
  t.is(got.headers['content-type'], 'image/png');
  t.is(got.headers['content-disposition'], `attachment; filename="${String(id)}.jpg"`);
  t.is(got.headers['cache-control'], 'no-cache, must-revalidate');
  t.is(got.headers['content-length'], '100000');
  clock.advance(3 * 86_400_000);
  t.is((await call(`/cgi-bin/media/get?media_id=${String(id)}`)).json().errcode, 40007);
});

test('permanent material is read by POST, and a video is returned as its URL', async (t) => {
  const { call } = await startPlatform(t);
  const bytes = Buffer.from('voice');
  const added = (
    await call('/cgi-bin/material/add_material?type=voice', form(bytes, 'a.amr', 'audio/amr'))
  ).json();
  const got = await call('/cgi-bin/material/get_material', { body: { media_id: added.media_id } });
  t.true(got.body.equals(bytes));
  const video = (await call('/cgi-bin/media/upload?type=video', form(bytes))).json();
  const told = await call(`/cgi-bin/media/get?media_id=${String(video.media_id)}`);
  t.regex(String(told.json().video_url), /^http:/);
  t.is(
    (await call('/cgi-bin/material/del_material', { body: { media_id: added.media_id } })).json().errcode,
    0,
  );
  t.is(
    (await call('/cgi-bin/material/get_material', { body: { media_id: added.media_id } })).json().errcode,
    40007,
  );
});

test('invalid uploads are refused', async (t) => {
  const { call } = await startPlatform(t);
  t.is((await call('/cgi-bin/media/upload?type=image', { body: 'no form' })).json().errcode, 41005);
  t.is((await call('/cgi-bin/media/upload?type=poem', form(Buffer.from('x')))).json().errcode, 40004);
  t.regex(String((await call('/cgi-bin/media/uploadimg', form(Buffer.from('x')))).json().url), /^http:/);
  t.is((await call('/wxa/img_sec_check', form(Buffer.from('x')))).json().errcode, 0);
});

test('a code of a mini-program is a picture on success and JSON on failure', async (t) => {
  const { call, control } = await startPlatform(t);
  for (const [path, how] of [
    ['/wxa/getwxacodeunlimit', { body: { scene: 'a=1' } }],
    ['/wxa/getwxacode', { body: { path: 'a' } }],
    ['/cgi-bin/wxaapp/createwxaqrcode', { body: { path: 'a' } }],
    ['/wxa/get_qrcode', {}],
  ] as const) {
    const picture = await call(path, how);
    t.is(picture.headers['content-type'], 'image/jpeg', path);
    // As long as real ones are: SDKs take a short body for an error, and proxies keep one.
    t.true(picture.body.length > 20 * 1024 && picture.body.length < 64 * 1024, `${picture.body.length}`);
    t.deepEqual([...picture.body.subarray(0, 2)], [0xff, 0xd8]);
    t.deepEqual([...picture.body.subarray(-2)], [0xff, 0xd9]);
  }
  control.break({ path: '/wxa/getwxacodeunlimit', fault: { kind: 'errcode', errcode: 42001 } });
  t.is((await call('/wxa/getwxacodeunlimit', { body: {} })).json().errcode, 42001);
});

const browserTest = chromiumPath === undefined ? test.skip : test;

browserTest(
  `${chromiumPath === undefined ? WITHOUT_CHROMIUM : ''}a browser can show the picture of a code`,
  async (t) => {
    const { call } = await startPlatform(t);
    const { body } = await call('/wxa/getwxacode', { body: { path: 'a' } });
    const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
    t.teardown(() => browser.close());
    const page = await browser.newPage();
    await page.setContent(`<img src="data:image/jpeg;base64,${body.toString('base64')}">`);
    const seen = await page.evaluate(`(async () => {
      const picture = document.querySelector('img');
      await picture.decode();
      const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      canvas.drawImage(picture, 0, 0);
      const blocks = Array.from({ length: 53 }, (_, i) => {
        const pixels = canvas.getImageData(i * 8, i * 8, 8, 8).data.filter((_, at) => at % 4 === 0);
        return pixels.reduce((sum, grey) => sum + grey, 0) / pixels.length;
      });
      return { size: [picture.width, picture.height], blocks };
    })()`);
    const { size, blocks } = seen as { size: number[]; blocks: number[] };
    t.deepEqual(size, [430, 430]);
    t.true(
      blocks.every((grey) => Math.abs(Math.abs(grey - 128) - 100) < 5),
      'dark and light squares, from corner to corner',
    );
    t.is(new Set(blocks.map((grey) => grey > 128)).size, 2);
  },
);

test('other pictures and files are binary too', async (t) => {
  const { call } = await startPlatform(t);
  const picture = await call('/channels/ec/basics/media/get?media_id=m');
  t.is(picture.headers['content-type'], 'image/jpeg');
  const bill = await call('/cgi-bin/express/delivery/single_waybill/get_bill', { body: {} });
  t.is(bill.headers['content-type'], 'application/octet-stream');
});

test('a download and a ticket can be requested by POST, unless the knob forbids it', async (t) => {
  const { call, control } = await startPlatform(t);
  const { media_id: id } = (
    await call('/cgi-bin/media/upload?type=image', form(Buffer.from('a picture')))
  ).json();
  const post = { method: 'POST' };
  t.is((await call(`/cgi-bin/media/get?media_id=${String(id)}`, post)).body.toString(), 'a picture');
  t.is((await call('/cgi-bin/ticket/getticket?type=jsapi', { body: {} })).json().errcode, 0);
  t.is((await call('/cgi-bin/getcallbackip', post)).json().errcode, 43001, 'others are as strict as ever');
  control.knobs({ postForGet: false });
  for (const path of ['/cgi-bin/media/get', '/cgi-bin/media/get/jssdk', '/cgi-bin/ticket/getticket']) {
    t.is((await call(path, post)).json().errcode, 43001, path);
    t.not((await call(path)).json().errcode, 43001, path);
  }
});

test('voices of the JS-SDK fail in plain text', async (t) => {
  const { call, origin } = await startPlatform(t);
  const failed = await call('/cgi-bin/media/get/jssdk?media_id=x');
  t.is(failed.headers['content-type'], 'text/plain');
  t.regex(failed.body.toString(), /^{"errcode":40007,"errmsg":"invalid media_id hint: \[\w+\]"}$/);
  const refused = await fetch(`${origin}/cgi-bin/media/get/jssdk?access_token=x`);
  t.is(refused.headers.get('content-type'), 'text/plain');
});

test('200 MB are generated while they are sent, no faster than they are read', async (t) => {
  const { origin, token } = await startPlatform(t);
  const size = 200 * 1024 * 1024;
  const req = request(`${origin}/cgi-bin/media/get?media_id=SIM_ZEROS_${size}&access_token=${await token()}`);
  t.teardown(() => req.destroy());
  req.end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  t.is(res.headers['content-length'], String(size));
  const before = process.memoryUsage().rss;
  let got = 0;
  let most = 0;
  for await (const chunk of res as AsyncIterable<Buffer>) {
    got += chunk.length;
    most = Math.max(most, process.memoryUsage.rss());
  }
  t.is(got, size);
  // Server and reader together; what was passed on is cleaned up after some 64 MiB of it.
  t.true(most - before < 150 * 1024 * 1024, `grew by ${most - before}`);
});

test('an upload over the limit is read and hashed, but not kept', async (t) => {
  const { origin, control, token, call } = await startPlatform(t);
  const value = await token();
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const pieces = 150;
  const hash = createHash('sha256');
  const before = process.memoryUsage().rss;
  const req = request(`${origin}/cgi-bin/media/upload?type=file&access_token=${value}`, {
    method: 'POST',
    headers: { 'content-length': piece.length * pieces, 'content-type': `multipart/form-data; boundary=x` },
  });
  for (let i = 0; i < pieces; i += 1) {
    hash.update(piece);
    if (!req.write(piece)) await once(req, 'drain');
  }
  req.end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const { media_id: id } = JSON.parse(Buffer.concat(await res.toArray()).toString()) as { media_id: string };
  const arrival = control.arrivals({ path: '/cgi-bin/media/upload' })[0];
  t.deepEqual(arrival?.body, { lengthBytes: piece.length * pieces, sha256: hash.digest('hex') });
  t.regex(id, /^SIM_NOT_KEPT_/);
  t.is((await call(`/cgi-bin/media/get?media_id=${id}`)).json().errcode, 40007);
  t.true(process.memoryUsage().rss - before < 140 * 1024 * 1024);
});
