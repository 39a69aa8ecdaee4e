// Calls of WeChat through a sidecar, from Node: no access_token, no AppSecret.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import WechatApi from 'co-wechat-api';

const BASE = process.env.WECHAT_SIDECAR_URL ?? 'http://127.0.0.1:3880';
const APPID = process.env.WECHAT_APPID ?? 'wx000000000000de30';
// What wx.login() gave the mini-program. The simulator takes any code, once.
const CODE = process.argv[2] ?? `code-${Date.now()}`;

/** WeChat says what went wrong in the body, with HTTP 200. */
async function answerOf(response) {
  const body = await response.json();
  if ((body.errcode ?? 0) !== 0) throw new Error(`${body.errcode}: ${body.errmsg}`);
  return body;
}

// A call without a token.
const call = await answerOf(await fetch(`${BASE}/cgi-bin/get_api_domain_ip`));
console.log('call:', call.ip_list.length, 'addresses');

// An upload, likewise.
const form = new FormData();
form.set('media', new Blob([new Uint8Array(200_000)], { type: 'image/jpeg' }), '图片.jpg');
const upload = await answerOf(
  await fetch(`${BASE}/cgi-bin/media/upload?type=image`, { method: 'POST', body: form }),
);
console.log('upload:', upload.media_id);

// A login: the sidecar fills in appid and secret.
const query = new URLSearchParams({ js_code: CODE, grant_type: 'authorization_code' });
const login = await answerOf(await fetch(`${BASE}/sns/jscode2session?${query}`));
console.log('login:', login.openid);

// co-wechat-api: it insists on a secret, and any will do.
const api = new WechatApi(APPID, 'any');
api.prefix = `${BASE}/cgi-bin/`;
console.log('co-wechat-api:', (await api.getUser('oExampleUser')).openid);

// A page for WeChat's browser, if PORT says where; the sidecar signs its URL, so that nobody here keeps a ticket.
const { PORT } = process.env;
async function servePage({ url }, response) {
  const isSignature = url.startsWith('/jssdk-signature?');
  response.setHeader('Content-Type', isSignature ? 'application/json' : 'text/html; charset=utf-8');
  if (isSignature) response.end(await (await fetch(`${BASE}/__sidecar${url}`)).text());
  else response.end(readFileSync('../page.html'));
}
if (PORT !== undefined) {
  const server = createServer((request, response) => {
    servePage(request, response).catch((error) => response.destroy(error));
  });
  server.listen(PORT, '127.0.0.1', () => console.log(`page: http://localhost:${PORT}/`));
}
