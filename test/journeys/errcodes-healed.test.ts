import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import type { SimulatorControl } from '../../src/simulator/control.ts';
import { APPID, costOf, INFO, MODES, startPair } from '../support/sidecar.ts';

/** How to make the platform return each of the three errcodes that a new token fixes. */
const DEATHS: Readonly<Record<number, (control: SimulatorControl, path: string) => void>> = {
  40001: (control) => void control.revoke(),
  // The token is revoked, but this endpoint reports 40014 once; a check gets 40001.
  40014: (control, path) => {
    control.revoke();
    control.break({ path, times: 1, fault: { kind: 'errcode', errcode: 40014 } });
  },
  42001: (control) => void control.expire(),
};

for (const mode of MODES) {
  for (const [errcode, kill] of Object.entries(DEATHS)) {
    test.serial(`in mode ${mode}, ${errcode} on a GET is healed before the caller sees it`, async (t) => {
      const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: mode } });
      kill(control, '/cgi-bin/user/info');
      const reply = await sidecar.call(INFO);
      t.is(reply.json()['openid'], 'oJourney01');
      t.regex(String(reply.headers['x-wechat-sidecar']), new RegExp(`; app=${APPID}; replay=1$`));
      t.is(control.arrivals({ path: '/cgi-bin/user/info' }).length, 2);
      t.true(costOf(control).all <= 3, JSON.stringify(costOf(control)));
      const labels = [`errcode="${errcode}"`, 'outcome="recovered"'];
      t.is(await sidecar.metric('wechat_sidecar_replays_total', ...labels), 1);

      control.clear();
      const next = await sidecar.call(INFO);
      t.regex(String(next.headers['x-wechat-sidecar']), /replay=0$/);
      t.is(costOf(control).all, 0);
    });
  }
}

test.serial(
  'a JSON body is replayed byte for byte, even if a parser would write it differently',
  async (t) => {
    const { control, sidecar } = await startPair(t);
    control.revoke();
    const body = '{"touser":"oX", "msgid":9007199254740993,\n "text":"\\u4f60\u597d","touser":"oX"}';
    const path = '/cgi-bin/message/custom/send?a=1&&b=%e4%bd%a0&empty=&a=2';
    const headers = { 'content-type': 'application/json; charset=utf-8', 'X-Odd-Case': '1' };
    t.is(await sidecar.errcode(path, { body, headers }), 0);

    const [first, second, ...more] = control.arrivals({ path: '/cgi-bin/message/custom/send' });
    t.is(more.length, 0);
    t.is(first?.body?.text, body);
    t.deepEqual(second?.body, first?.body);
    t.deepEqual(second?.rawHeaders, first?.rawHeaders);
    t.true(second?.rawHeaders.includes('X-Odd-Case'));
    t.not(second?.tokenFingerprint, first?.tokenFingerprint);
    const withoutToken = (url = ''): string => url.replace(/access_token=[^&]*/, 'access_token=*');
    t.is(withoutToken(first?.url), `${path}&access_token=*`);
    t.is(withoutToken(second?.url), withoutToken(first?.url));
  },
);

test.serial('a multipart upload is replayed byte for byte, and is stored unchanged', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.revoke();
  const picture = randomBytes(3 * 1024 * 1024);
  const boundary = '----a boundary, of (odd) shape';
  const body = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="media"; filename="文.jpg"\r\n`),
    Buffer.from('Content-Type: image/jpeg\r\n\r\n'),
    picture,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const headers = { 'content-type': `multipart/form-data; boundary="${boundary}"` };
  const reply = await sidecar.call('/cgi-bin/media/upload?type=image', { body, headers });
  t.regex(String(reply.headers['x-wechat-sidecar']), /replay=1$/);
  const uploads = control.arrivals({ path: '/cgi-bin/media/upload' });
  t.is(uploads.length, 2);
  for (const { body: arrived } of uploads) t.is(arrived?.sha256, hashOf(body));
  t.deepEqual(uploads[0]?.rawHeaders, uploads[1]?.rawHeaders);

  control.expire();
  const mediaId = String(reply.json()['media_id']);
  const download = await sidecar.call(`/cgi-bin/media/get?media_id=${mediaId}`);
  t.regex(String(download.headers['x-wechat-sidecar']), /replay=1$/);
  t.is(hashOf(download.body), hashOf(picture));
});

test.serial('a chunked upload is sent with a length, and is healed too', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.expire();
  const body = JSON.stringify({ touser: 'oX', text: 'x'.repeat(100_000) });
  t.is(await sidecar.errcode('/cgi-bin/message/custom/send', { body, chunked: true }), 0);
  const arrivals = control.arrivals({ path: '/cgi-bin/message/custom/send' });
  t.is(arrivals.length, 2);
  for (const { rawHeaders, body: arrived } of arrivals) {
    t.is(arrived?.sha256, hashOf(Buffer.from(body)));
    t.true(rawHeaders.map((it) => it.toLowerCase()).includes('content-length'));
  }
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
