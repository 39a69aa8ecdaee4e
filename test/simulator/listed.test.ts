import test from 'ava';
import { ENDPOINTS } from '../../src/simulator/endpoint-table.ts';
import { paySignature, userSignature } from '../../src/simulator/signature.ts';
import { KNOWN_ENDPOINTS } from '../../src/wechat/endpoints.ts';
import { appid, type PlatformUnderTest, secret, startPlatform } from '../support/simulator-account.ts';
import { ask, type Reply } from '../support/simulator-client.ts';

const COMPONENT = { component_appid: 'wxcomponent', component_appsecret: secret };

/** What a call of this path needs beside its token, to be a success. */
const NEEDS: Readonly<Record<string, { readonly query?: string; readonly body?: object | string }>> = {
  '/cgi-bin/callback/check': { body: { action: 'all', check_operator: 'DEFAULT' } },
  '/cgi-bin/clear_quota': { body: { appid } },
  '/cgi-bin/clear_quota/v2': { body: { appid, appsecret: secret } },
  '/cgi-bin/component/api_authorizer_token': {
    body: { authorizer_appid: appid, authorizer_refresh_token: `refreshtoken@@@${appid}` },
  },
  '/cgi-bin/component/api_component_token': {
    body: { ...COMPONENT, component_verify_ticket: 'ticket@@@1' },
  },
  '/cgi-bin/component/api_query_auth': { body: { authorization_code: `queryauthcode@@@${appid}` } },
  '/cgi-bin/component/api_start_push_ticket': {
    body: { component_appid: COMPONENT.component_appid, component_secret: secret },
  },
  '/cgi-bin/component/clear_quota/v2': {
    body: { component_appid: COMPONENT.component_appid, appsecret: secret },
  },
  '/cgi-bin/media/get': { query: 'media_id=SIM_ZEROS_1' },
  '/cgi-bin/media/get/jssdk': { query: 'media_id=SIM_ZEROS_1' },
  '/cgi-bin/openapi/quota/clear': { body: { cgi_path: '/cgi-bin/user/get' } },
  '/cgi-bin/openapi/quota/get': { body: { cgi_path: '/cgi-bin/user/get' } },
  '/cgi-bin/stable_token': { body: { grant_type: 'client_credential', appid, secret } },
  '/cgi-bin/ticket/getticket': { query: 'type=jsapi' },
  '/cgi-bin/token': { query: `grant_type=client_credential&appid=${appid}&secret=${secret}` },
  '/cgi-bin/user/info': { query: 'openid=oSomebody' },
  '/sns/component/jscode2session': {
    query: `appid=${appid}&js_code=bob.1&grant_type=authorization_code`,
  },
  '/sns/jscode2session': {
    query: `appid=${appid}&secret=${secret}&js_code=bob.2&grant_type=authorization_code`,
  },
  '/sns/oauth2/access_token': {
    query: `appid=${appid}&secret=${secret}&code=bob.3&grant_type=authorization_code`,
  },
  '/sns/oauth2/component/access_token': {
    query: `appid=${appid}&code=bob.4&grant_type=authorization_code`,
  },
};
const UPLOADS = new Set([
  '/cgi-bin/media/upload',
  '/cgi-bin/media/uploadimg',
  '/cgi-bin/material/add_material',
  '/customservice/kfaccount/uploadheadimg',
  '/wxa/img_sec_check',
]);
/** These need what another call returned; tests of their own have them. */
const ELSEWHERE: Readonly<Record<string, number>> = {
  '/cgi-bin/material/del_material': 40007,
  '/cgi-bin/material/get_material': 40007,
  '/cgi-bin/menu/get': 46003,
  '/cgi-bin/openapi/rid/get': 76002,
  '/sns/auth': 40001,
  '/sns/oauth2/component/refresh_token': 41002,
  '/sns/oauth2/refresh_token': 41002,
  '/sns/userinfo': 40001,
};

test('every path of our own list succeeds in the simulator', async (t) => {
  const platform = await startPlatform(t);
  platform.control.configure({ appid, payKey: 'pay-key' });
  platform.control.configure({ appid: COMPONENT.component_appid, secret, component: true });
  const caller = await makeCaller(platform);
  const wrong: string[] = [];
  for (const path of KNOWN_ENDPOINTS) {
    const { body } = await caller(path);
    const { errcode = 0 } = body[0] === 0x7b ? (JSON.parse(body.toString()) as { errcode?: unknown }) : {};
    if (Number(errcode) !== (ELSEWHERE[path] ?? 0)) wrong.push(`${path} ${body.subarray(0, 200).toString()}`);
  }
  t.deepEqual(wrong, []);
  t.true(KNOWN_ENDPOINTS.size > 600);
});

test('a path that is not listed does not exist on the platform', async (t) => {
  const { call, control } = await startPlatform(t);
  for (const path of ['/', '/cgi-bin', '/cgi-bin/nowhere', '/wxa/business', '/channels/ec/order/']) {
    t.is((await call(path, { method: 'POST' })).json().errcode, 40066, path);
  }
  for (const path of [...KNOWN_ENDPOINTS].filter((_, i) => i % 20 === 0)) {
    t.is((await call(`${path}/`)).json().errcode, 40066);
    t.is((await call(`${path}x`)).json().errcode, 40066);
  }
  t.is(control.arrivals({ path: '/cgi-bin/nowhere' }).length, 1);
});

/** Calls a path with the method, the token and the parameters that it wants. */
async function makeCaller({
  origin,
  stable,
  call,
}: PlatformUnderTest): Promise<(path: string) => Promise<Reply>> {
  // The list has the endpoint that replaces a classic token.
  const app = String((await stable()).access_token);
  const login = `appid=${appid}&secret=${secret}&js_code=alice&grant_type=authorization_code`;
  const { openid, session_key: key } = (await ask(`${origin}/sns/jscode2session?${login}`)).json();
  const made = await call(
    '/cgi-bin/component/api_component_token',
    NEEDS['/cgi-bin/component/api_component_token'],
  );
  const component = String(made.json().component_access_token);
  return (path) => {
    const endpoint = ENDPOINTS.get(path);
    const needs = NEEDS[path] ?? {};
    const isPost = needs.body !== undefined || endpoint?.method === 'POST';
    const body = isPost ? JSON.stringify(needs.body ?? { openid }) : '';
    const query = new URLSearchParams({
      ...Object.fromEntries(new URLSearchParams(needs.query)),
      ...(endpoint?.token !== 'own' && { access_token: endpoint?.token === 'component' ? component : app }),
      ...(path.startsWith('/sns/') && endpoint?.token === 'own' && { access_token: app }),
      ...(UPLOADS.has(path) && { type: 'image' }),
      ...(!path.startsWith('/cgi-bin/') && !path.startsWith('/sns/') && { openid: String(openid) }),
      pay_sig: paySignature('pay-key', path, Buffer.from(body)),
      signature: userSignature(String(key), Buffer.from(body)),
    });
    if (UPLOADS.has(path)) {
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      const upload =
        '--b\r\nContent-Disposition: form-data; name="media"; filename="a"\r\n\r\nA\r\n--b--\r\n';
      return ask(`${origin}${path}?${query.toString()}`, { headers, body: upload });
    }
    return ask(`${origin}${path}?${query.toString()}`, isPost ? { body } : {});
  };
}
