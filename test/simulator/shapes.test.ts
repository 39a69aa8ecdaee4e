import test from 'ava';
import { startPlatform } from '../support/simulator-account.ts';

test('errcode is the last member, a string, or missing', async (t) => {
  const { call } = await startPlatform(t);
  const late = await call('/wxa/getpaidunionid');
  t.deepEqual(Object.keys(late.json()), ['unionid', 'errcode', 'errmsg']);
  const deep = Object.keys((await call('/cgi-bin/express/intracity/queryorder', { body: {} })).json());
  t.deepEqual([deep.indexOf('errcode'), deep.length], [15, 17]);
  t.is((await call('/cv/ocr/bankcard', { method: 'POST' })).json().errcode, '0');
  t.false('errcode' in (await call('/cgi-bin/qrcode/create', { body: { expire_seconds: 30 } })).json());
});

test('some calls return ret instead of errcode, at the top level or nested', async (t) => {
  const { call } = await startPlatform(t);
  t.deepEqual((await call('/wxa/operationams', { body: {} })).json(), { ret: 0, err_msg: 'ok' });
  t.like((await call('/publisher/stat')).json(), { base_resp: { ret: 0, err_msg: 'ok' } });
});

test('a success may contain the text of a refused token', async (t) => {
  const { call } = await startPlatform(t);
  const cloud = await call('/tcb/invokecloudfunction', { body: {} });
  t.is(cloud.json().errcode, 0);
  t.regex(String(cloud.json().resp_data), /"errcode":40001/);
  const batch = await call('/cgi-bin/express/business/order/batchget', { body: {} });
  t.regex(batch.body.toString(), /"errcode":40001/);
  t.false('errcode' in batch.json());
});

test('a page of followers is ten thousand openids and some 300 KB', async (t) => {
  const { call } = await startPlatform(t);
  const page = await call('/cgi-bin/user/get');
  t.true(page.body.length > 300_000);
  const { data, next_openid: next } = page.json() as { data: { openid: string[] }; next_openid: string };
  t.is(new Set(data.openid).size, 10_000);
  t.is(data.openid.at(-1), next);
  t.is((await call(`/cgi-bin/user/get?next_openid=${next}`)).json().count, 0);
  const user = await call(`/cgi-bin/user/info?openid=${next}`);
  t.like(user.json(), { subscribe: 1, openid: next });
  t.is((await call('/cgi-bin/user/info')).json().errcode, 40003);
});

test('a menu is returned as it was created, until it is deleted', async (t) => {
  const { call } = await startPlatform(t);
  t.is((await call('/cgi-bin/menu/get')).json().errcode, 46003);
  const menu = { button: [{ type: 'click', name: '今日歌曲', key: 'V1001' }] };
  t.is((await call('/cgi-bin/menu/create', { body: menu })).json().errcode, 0);
  t.deepEqual((await call('/cgi-bin/menu/get')).json(), { menu });
  t.is((await call('/cgi-bin/menu/delete')).json().errcode, 0);
  t.is((await call('/cgi-bin/menu/get')).json().errcode, 46003);
});

test('messages are sent, and template ids count up', async (t) => {
  const { call } = await startPlatform(t);
  const send = async () =>
    (
      await call('/cgi-bin/message/template/send', { body: { touser: 'o', template_id: 't', data: {} } })
    ).json();
  const first = await send();
  t.is(first.errcode, 0);
  t.is((await send()).msgid, Number(first.msgid) + 1);
  t.deepEqual((await call('/cgi-bin/message/custom/send', { body: {} })).json(), {
    errcode: 0,
    errmsg: 'ok',
  });
});
