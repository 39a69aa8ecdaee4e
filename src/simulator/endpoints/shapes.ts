import type { Account } from '../accounts.ts';
import { type Answer, jsonAnswer, OK, textAnswer } from '../answer.ts';
import { refuse } from '../refuse.ts';
import type { Call, Endpoint, World } from '../world.ts';
import { jsonObject } from './json-body.ts';
import { openidOf } from './sns.ts';

/** Users, menus, messages, and success responses of every shape that the platform uses. */
export const SHAPE_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/cgi-bin/user/get': { method: 'GET', token: 'app', answer: userList },
  '/cgi-bin/user/info': { method: 'GET', token: 'app', answer: userInfo },
  '/cgi-bin/qrcode/create': { method: 'POST', token: 'app', answer: createQrcode },
  '/cgi-bin/menu/create': { method: 'POST', token: 'app', answer: createMenu },
  '/cgi-bin/menu/get': { method: 'GET', token: 'app', answer: readMenu },
  '/cgi-bin/menu/delete': { method: 'GET', token: 'app', answer: deleteMenu },
  '/cgi-bin/message/template/send': { method: 'POST', token: 'app', answer: sendTemplate },
  '/cgi-bin/message/custom/send': { method: 'POST', token: 'app', answer: needsJson(() => OK) },
  '/cgi-bin/message/subscribe/send': { method: 'POST', token: 'app', answer: needsJson(() => OK) },
  ...odd(),
};

/** Shapes that are difficult for a reader of errcodes, in addition to the documented ones. */
function odd(): Record<string, Endpoint> {
  const denied = { errcode: 40001, errmsg: 'invalid credential, access_token is invalid or not latest' };
  return {
    // Another name, one level down.
    '/publisher/stat': fixed('GET', { base_resp: { ret: 0, err_msg: 'ok' }, list: [], total_num: 0 }),
    // Looks like a refused token, one level down and inside a string.
    '/cgi-bin/express/business/order/batchget': fixed('POST', { order_list: [{ order_id: '1', ...denied }] }),
    '/tcb/invokecloudfunction': fixed('POST', {
      errcode: 0,
      errmsg: 'ok',
      resp_data: JSON.stringify(denied),
    }),
  };
}

function fixed(method: 'GET' | 'POST', value: unknown): Endpoint {
  const answer = jsonAnswer(value);
  return { method, token: 'app', answer: () => answer };
}

function needsJson(then: (call: Call) => Answer): Endpoint['answer'] {
  return (world, call) => {
    if (call.body.lengthBytes === 0) return refuse(world, call, 44002);
    return jsonObject(call) === undefined ? refuse(world, call, 47001) : then(call);
  };
}

const USERS = 10_000;
const userLists = new WeakMap<Account, Answer>();

/** One page of ten thousand openids, about 300 KB, as the platform returns it for a large account. */
function userList(_world: World, call: Call): Answer {
  const { account } = call;
  if (call.query.get('next_openid') || account === undefined)
    return jsonAnswer({ total: USERS, count: 0, next_openid: '' });
  let answer = userLists.get(account);
  if (answer === undefined) {
    const openid = Array.from({ length: USERS }, (_, i) => openidOf(account.settings.appid, `user ${i}`));
    answer = jsonAnswer({ total: USERS, count: USERS, data: { openid }, next_openid: openid.at(-1) });
    userLists.set(account, answer);
  }
  return answer;
}

function userInfo(world: World, call: Call): Answer {
  const openid = call.query.get('openid') ?? '';
  if (!/^[\w-]{6,64}$/.test(openid)) return refuse(world, call, 40003);
  return jsonAnswer({
    subscribe: 1,
    openid,
    language: call.query.get('lang') ?? 'zh_CN',
    subscribe_time: Math.floor(call.nowMs / 1_000) - 86_400,
    unionid: openidOf('', openid),
    remark: '',
    groupid: 0,
    tagid_list: [],
    subscribe_scene: 'ADD_SCENE_QR_CODE',
    qr_scene: 0,
    qr_scene_str: '',
  });
}

function createQrcode(world: World, call: Call): Answer {
  const asked = jsonObject(call);
  if (asked === undefined) return refuse(world, call, call.body.lengthBytes === 0 ? 44002 : 47001);
  const ticket = `gQ${openidOf('qrcode', call.body.sha256)}`;
  const seconds = typeof asked.expire_seconds === 'number' ? asked.expire_seconds : 60;
  return jsonAnswer({ ticket, expire_seconds: seconds, url: `http://weixin.simulator.invalid/q/${ticket}` });
}

const MENU_BYTES_MAX = 64 * 1024;

function createMenu(world: World, call: Call): Answer {
  const { bytes, lengthBytes } = call.body;
  if (
    jsonObject(call) === undefined ||
    bytes === undefined ||
    call.account === undefined ||
    lengthBytes > MENU_BYTES_MAX
  ) {
    return refuse(world, call, lengthBytes === 0 ? 44002 : 47001);
  }
  call.account.menu = bytes.toString();
  return OK;
}

function readMenu(world: World, call: Call): Answer {
  const menu = call.account?.menu;
  return menu === undefined ? refuse(world, call, 46003) : textAnswer(`{"menu":${menu}}`);
}

function deleteMenu(_world: World, call: Call): Answer {
  if (call.account !== undefined) call.account.menu = undefined;
  return OK;
}

function sendTemplate(world: World, call: Call): Answer {
  return needsJson(() => {
    const { account } = call;
    if (account === undefined) return OK;
    account.lastMessageId += 1;
    return jsonAnswer({ errcode: 0, errmsg: 'ok', msgid: account.lastMessageId });
  })(world, call);
}
