import test from 'ava';
import { readShape } from '../../src/simulator/documented/shape.ts';
import { readTables } from '../../src/simulator/documented/table.ts';
import { plausibleValue } from '../../src/simulator/documented/values.ts';
import { ENDPOINTS } from '../../src/simulator/endpoint-table.ts';
import type { Call } from '../../src/simulator/world.ts';
import { appid, startPlatform } from '../support/simulator-account.ts';

const NOTHING = { lengthBytes: 0, sha256: '' };

function callWith(body: object | undefined, query = ''): Call {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return {
    method: 'POST',
    path: '/x',
    rawQuery: query,
    query: new URLSearchParams(query),
    headers: {},
    body: { ...NOTHING, ...(bytes !== undefined && { bytes }) },
    ip: '127.0.0.1',
    encrypted: false,
    nowMs: Date.UTC(2026, 0, 1, 16),
  };
}

const valueOf = (shape: string, body?: object, query?: string): unknown =>
  plausibleValue(readShape(shape), callWith(body, query));

test('a response has the shape that its file describes', (t) => {
  const shape =
    'ok text size# count#7 kind=B id$ good? has_more? next_key in{a{b#}} list[a b#] empty[] texts[.] numbers[#] ids[$]';
  t.deepEqual(valueOf(shape), {
    errcode: 0,
    errmsg: 'ok',
    text: '模拟',
    size: 1,
    count: 7,
    kind: 'B',
    id: '1',
    good: true,
    has_more: false,
    next_key: '',
    in: { a: { b: 1 } },
    list: [{ a: 'simulator', b: 1 }],
    empty: [],
    texts: ['模拟'],
    numbers: [1],
    ids: ['1'],
  });
  t.deepEqual(Object.keys(valueOf('z errcode# a') as object), ['z', 'errcode', 'a'], 'in their order');
  for (const wrong of ['a{b', 'a}', 'a[b', 'a,b', 'a[.', 'a-b']) {
    t.throws(() => readShape(wrong), { message: /^Cannot read a shape/ }, wrong);
  }
});

test('a day has the date of Beijing, in the format of its name', (t) => {
  t.deepEqual(valueOf('ref_date day_date$ create_time end_time#'), {
    ref_date: '2026-01-02',
    day_date: '20260102',
    create_time: '2026-01-02 00:00:00',
    end_time: 1_767_283_200,
  });
});

test('a value that a caller sends is returned under its name, and a number stays a number', (t) => {
  const shape = 'ok order{order_id$ out_order_id# status# title} openid tag{id# name}';
  const body = { order_id: 'A1', out_order_id: 5, status: 9, errcode: 40001, tag: { name: 'vip' } };
  t.deepEqual(valueOf(shape, body, 'openid=oAlice'), {
    errcode: 0,
    errmsg: 'ok',
    order: { order_id: 'A1', out_order_id: 5, status: 1, title: '模拟' },
    openid: 'oAlice',
    tag: { id: 1, name: 'vip' },
  });
  const long = 'x'.repeat(1_000);
  t.deepEqual(valueOf('name', { name: long }), { name: '模拟' }, 'an answer is no echo of any length');
});

test('no path is in the tables twice, and paths that are served otherwise are not in them', (t) => {
  const paths = readTables().map(([path]) => path);
  t.deepEqual(
    paths.filter((path, i) => paths.indexOf(path) !== i),
    [],
  );
  const signed = /^\/(?:xpay|wxa\/game)\/|session|user_storage|setuserinteractivedata|getuserencryptkey/;
  for (const [path, endpoint] of readTables()) {
    if (!signed.test(path)) t.is(ENDPOINTS.get(path)?.answer.toString(), endpoint.answer.toString(), path);
  }
});

test('responses have the members that SDKs read', async (t) => {
  const { call, clock } = await startPlatform(t);
  const post = async (path: string, body: object): Promise<Record<string, unknown>> =>
    (await call(path, { body })).json();
  const timestamp = Math.floor(clock.monotonicMs() / 1_000);
  t.deepEqual(await post('/wxa/business/getuserphonenumber', { code: 'c' }), {
    errcode: 0,
    errmsg: 'ok',
    phone_info: {
      phoneNumber: '13800000000',
      purePhoneNumber: '13800000000',
      countryCode: '86',
      watermark: { timestamp, appid },
    },
  });
  t.deepEqual((await call('/cgi-bin/tags/get')).json(), { tags: [{ id: 1, name: '模拟', count: 1 }] });
  t.deepEqual(await post('/cgi-bin/tags/create', { tag: { name: '广东' } }), {
    tag: { id: 1, name: '广东' },
  });
  t.deepEqual(await post('/cgi-bin/open/create', { appid }), { open_appid: appid, errcode: 0, errmsg: 'ok' });
  const store = await post('/channels/ec/order/get', { order_id: '3705115058471208928' });
  const { order } = store as { order: Record<string, unknown> };
  t.is(order['order_id'], '3705115058471208928');
  t.true('order_detail' in order && 'aftersale_detail' in order && 'openid' in order);
  t.like(await post('/channels/ec/order/list/get', { next_key: 'k' }), { has_more: false, next_key: '' });
  t.like((await call('/wxaapi/feedback/list')).json(), { total_num: 1, errcode: 0 });
  t.like(await post('/cgi-bin/express/local/business/order/add', {}), { resultcode: 0, resultmsg: 'ok' });
  t.like(await post('/cgi-bin/user/info/batchget', {}), { user_info_list: [{ subscribe: 1 }] });
  t.like(await post('/wxa/msg_sec_check', { content: 'x' }), { result: { suggest: 'pass', label: 100 } });
});
