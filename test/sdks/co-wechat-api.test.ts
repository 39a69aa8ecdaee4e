import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import WechatApi from 'co-wechat-api';
import { APPID, costOf, type Pair, type Sidecar, startPair } from '../support/sidecar.ts';

/** Set up as its documentation says, with a secret that nobody has. */
function sdkFor(sidecar: Sidecar): WechatApi {
  const api = new WechatApi(APPID, 'made-up');
  api.prefix = `${sidecar.base}/cgi-bin/`;
  return api;
}

async function worksOnce(t: ExecutionContext, api: WechatApi): Promise<void> {
  t.is((await api.getUser('oSdkUser1'))['openid'], 'oSdkUser1');
  t.is((await api.sendText('oSdkUser1', '你好'))['errcode'], 0);
  const picture = randomBytes(300_000);
  const { media_id: mediaId } = await api.uploadMedia(picture, 'image', 'a.jpg', 'image/jpeg');
  t.deepEqual(await api.getMedia(String(mediaId)), picture);
}

function asked({ sidecar }: Pair, endpoint: string): Promise<number> {
  return sidecar.metric('wechat_sidecar_requests_total', `endpoint="${endpoint}"`);
}

test.serial('co-wechat-api works, and continues when its token is killed', async (t) => {
  const pair = await startPair(t, { env: { WECHAT_TOKEN_MODE: 'classic' } });
  const api = sdkFor(pair.sidecar);
  await worksOnce(t, api);
  for (const death of ['expire', 'revoke'] as const) {
    pair.control[death]();
    await worksOnce(t, api);
  }
  t.is(await asked(pair, '/cgi-bin/token'), 1, 'it never came to fetch a second one');
  t.is(costOf(pair.control).fetches, 2);
});

test.serial('an upload of co-wechat-api is healed by us; otherwise it would hang', async (t) => {
  const { control, sidecar } = await startPair(t);
  const api = sdkFor(sidecar);
  await api.getUser('oSdkUser1');
  control.expire();
  control.clear();
  const picture = randomBytes(1_000_000);
  const { media_id: mediaId } = await api.uploadMedia(picture, 'image', 'a.jpg', 'image/jpeg');
  t.is(control.arrivals({ path: '/cgi-bin/media/upload' }).length, 2);
  t.deepEqual(await api.getMedia(String(mediaId)), picture);
});

for (const errcode of [40001, 42001]) {
  test.serial(
    `an endpoint that always responds with ${errcode} does not make co-wechat-api retry endlessly`,
    async (t) => {
      const pair = await startPair(t);
      const api = sdkFor(pair.sidecar);
      pair.control.break({ path: '/cgi-bin/menu/get', fault: { kind: 'errcode', errcode } });
      for (let i = 0; i < 3; i += 1) {
        await t.throwsAsync(api.getMenu(), {
          code: -errcode,
          message: /fetching another token does not help/,
        });
      }
      t.is(await asked(pair, '/cgi-bin/menu/get'), 3);
      t.is(await asked(pair, '/cgi-bin/token'), 1);
      t.true(costOf(pair.control).all < 10);
    },
  );
}

test.serial('our own errors reach the code that calls co-wechat-api', async (t) => {
  const { platform, sidecar } = await startPair(t);
  const api = sdkFor(sidecar);
  await api.getUser('oSdkUser1');
  await platform.close();
  const error = await t.throwsAsync(api.getUser('oSdkUser1'), { message: /^wechat-sidecar: no upstream/ });
  t.is((error as Error & { code?: unknown }).code, -1);
});

test.serial('co-wechat-api gets tickets for web pages', async (t) => {
  const { control, sidecar } = await startPair(t);
  const api = sdkFor(sidecar);
  const { ticket } = await api.getTicket();
  t.true(ticket.length > 40);
  control.expire();
  t.is((await sdkFor(sidecar).getTicket()).ticket, ticket);
});
