import { constants, generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import { paySignature, userSignature } from '../../src/simulator/signature.ts';
import { appid, secret, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';

const BODY = `{"openid": "${'x'.repeat(3)}", "user_ip": "127.0.0.1", "env": 0}`;

test('payment signatures match the example in the documentation', (t) => {
  t.is(
    paySignature('12345', '/xpay/query_user_balance', Buffer.from(BODY)),
    'c37809f27c6d7fd1837ad2500a04512b66b34fd793a39a385fade56dca89a4b5',
  );
  t.is(
    userSignature('9hAb/NEYUlkaMBEsmFgzig==', Buffer.from(BODY)),
    '089d9e8dc5d308977360c4b79ec600a93d736802802a807d634192328032f6c7',
  );
});

test('a signed payment call is accepted only with its exact bytes', async (t) => {
  const { call, control, origin } = await startPlatform(t);
  control.configure({ appid, payKey: '12345' });
  const login = `appid=${appid}&secret=${secret}&js_code=alice&grant_type=authorization_code`;
  const { openid, session_key: key } = (await ask(`${origin}/sns/jscode2session?${login}`)).json();
  const body = JSON.stringify({ openid, user_ip: '127.0.0.1', env: 0 });
  const path = '/xpay/query_user_balance';
  const paySig = paySignature('12345', path, Buffer.from(body));
  const signature = userSignature(String(key), Buffer.from(body));
  const send = async (query: string, sent: string) => (await call(`${path}?${query}`, { body: sent })).json();
  t.like(await send(`pay_sig=${paySig}&signature=${signature}`, body), { errcode: 0, balance: 100 });
  t.is((await send(`pay_sig=${paySig}&signature=${signature}`, `${body} `)).errcode, 268490003);
  t.is((await send(`pay_sig=${paySig}&signature=0`, body)).errcode, 90011);
  t.is((await send('', body)).errcode, 268490003);
  const right = userSignature(String(key), Buffer.alloc(0));
  const check = async (it: string) =>
    (await call(`/wxa/checksession?openid=${String(openid)}&signature=${it}&sig_method=hmac_sha256`)).json()
      .errcode;
  t.is(await check(right), 0);
  t.is(await check('wrong'), 87009);
});

test('a Wechatmp-Signature covers the platform’s own URL and the exact body', async (t) => {
  const { call, clock, control } = await startPlatform(t);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const path = '/wxa/getuserriskrank';
  const body = '{"iv":"","data":"","authtag":""}';
  const now = Math.floor(clock.unixMs() / 1_000);
  const headersFor = (origin: string, at = now): Record<string, string> => {
    const text = `${origin}${path}\n${appid}\n${at}\n${body}`;
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const signature = sign('sha256', Buffer.from(text), { key: privateKey, ...padding }).toString('base64');
    return { 'wechatmp-appid': appid, 'wechatmp-timestamp': String(at), 'wechatmp-signature': signature };
  };
  const send = async (headers: Record<string, string>, sent = body) =>
    (await call(path, { headers, body: sent })).json().errcode;
  const right = headersFor('https://api.weixin.qq.com');
  t.is(await send(right), 40239);
  control.configure({ appid, signKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() });
  t.is(await send(right), 0);
  t.is(await send(right, `${body} `), 40234);
  t.is(await send(headersFor('http://127.0.0.1:3880')), 40234);
  t.is(await send(headersFor('https://api.weixin.qq.com', now - 301)), 40240);
  t.is(await send({ ...right, 'wechatmp-appid': 'wx1' }), 40237);
  t.is(await send({ 'wechatmp-signature': 'x', 'wechatmp-appid': appid }), 40231);
  t.is(await send({ 'wechatmp-signature': 'x', 'wechatmp-timestamp': '1' }), 40233);
  t.is(await send({}), 0, 'the signature is an option');
  control.knobs({ signedOrigins: ['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'] });
  t.is(await send(headersFor('https://api2.weixin.qq.com')), 0);
});
