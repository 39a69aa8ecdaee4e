import test from 'ava';
import type { AnswerRequest } from '../../src/simulator/control.ts';
import { APPID, costOf, INFO, MODES, startPair } from '../support/sidecar.ts';

const PATH = '/cgi-bin/user/info';

/** Responses that no new token would change. */
const ERRCODES = [41001, 42007, 42002, 48001, 61004, 45009, 45011, 40003, 40013, 40164, 50002, -1];
const GATEWAY_STATUSES = [404, 412, 429, 500, 502, 503, 504];

for (const mode of MODES) {
  test.serial(`in mode ${mode}, no other errcode is replayed or causes a token call`, async (t) => {
    const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: mode } });
    for (const errcode of ERRCODES) {
      control.break({ path: PATH, fault: { kind: 'errcode', errcode, errmsg: `said ${errcode}` } });
      for (const query of ['', `&access_token=${await sidecar.standIn()}`]) {
        const reply = await sidecar.call(INFO + query);
        t.is(reply.status, 200);
        t.is(reply.json()['errcode'], errcode, 'also for a stand-in, it is the platform that speaks');
        t.true(String(reply.json()['errmsg']).startsWith(`said ${errcode}`));
        t.regex(String(reply.headers['x-wechat-sidecar']), new RegExp(`; app=${APPID}; replay=0$`));
        t.is(reply.headers['x-wechat-sidecar-error'], undefined);
      }
    }
    t.is(control.arrivals({ path: PATH }).length, ERRCODES.length * 2);
    t.is(costOf(control).all, 0);
  });
}

test.serial('gateway statuses are passed on unchanged and cause no token call', async (t) => {
  const { control, sidecar } = await startPair(t);
  const refusal = '{"errcode":40001,"errmsg":"invalid credential"}';
  for (const status of GATEWAY_STATUSES) {
    for (const body of [`<h1>${status}</h1>`, ...(status >= 500 ? [refusal] : [])]) {
      control.break({ path: PATH, fault: { kind: 'status', status, body } });
      const reply = await sidecar.call(INFO);
      t.is(reply.status, status);
      t.is(reply.body.toString(), body, 'a 5xx is no verdict on a token, whatever its body says');
    }
  }
  t.is(costOf(control).all, 0);
});

const LOOK_ALIKES: Readonly<Record<string, string | Buffer>> = {
  'one level down': '{"list":[{"errcode":40001}],"errcode":0}',
  'in a string': '{"errcode":0,"resp":"{\\"errcode\\":40001}"}',
  'in an array': '[{"errcode":40001,"errmsg":"x"}]',
  'with something behind it': '{"errcode":40001,"errmsg":"x"} and more',
  'cut short': '{"errcode":40001,"errmsg":"x"',
  'over 4 KiB': `{"errcode":40001,"errmsg":"${'x'.repeat(4_096)}"}`,
  'an image that begins with one': Buffer.concat([
    Buffer.from('{"errcode":40001}'),
    Buffer.from('ffd8ffe000104a464946', 'hex'),
  ]),
};

test.serial('a response that only looks like a refusal passes unchanged', async (t) => {
  const { control, sidecar } = await startPair(t);
  for (const [name, body] of Object.entries(LOOK_ALIKES)) {
    control.answer({ path: PATH, body });
    const reply = await sidecar.call(INFO);
    t.deepEqual(reply.body, Buffer.from(body), name);
    t.regex(String(reply.headers['x-wechat-sidecar']), /replay=0$/, name);
  }
  t.is(costOf(control).all, 0);
});

const DISGUISES: Readonly<Record<string, Omit<AnswerRequest, 'path'>>> = {
  'a numeric string, last of its members': { body: '{"a":{},"errmsg":"x","errcode":"42001"}' },
  'text/plain': { body: '{"errcode":40014}', headers: { 'Content-Type': 'text/plain' } },
  'raw control characters': { body: '{"errmsg":"a\u0001\nb","errcode":40001}' },
  'bad UTF-8': { body: Buffer.from('{"errmsg":"\u00ff\u00fe","errcode":40001}', 'latin1') },
  gzip: { body: '{"errcode":40001}', coding: 'gzip' },
  'split over chunks': { body: ' \n{"errcode":40001}', splitAt: [1, 5, 12], chunked: true },
  'brotli, split': { body: '{"errcode":42001}', coding: 'br', splitAt: [3], pauseMs: 20 },
};

test.serial('a refusal is recognised in every format of the platform', async (t) => {
  const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: 'classic' } });
  for (const [name, answer] of Object.entries(DISGUISES)) {
    control.revoke();
    control.answer({ ...answer, path: PATH, times: 1 });
    const headers = answer.coding === undefined ? {} : { 'accept-encoding': answer.coding };
    const reply = await sidecar.call(INFO, { headers });
    t.is(reply.json()['openid'], 'oJourney01', name);
    t.regex(String(reply.headers['x-wechat-sidecar']), /replay=1$/, name);
  }
});

test.serial('a missing response causes no token call', async (t) => {
  const env = { WECHAT_SIDECAR_ANSWER_TIMEOUT: '400ms' };
  const { control, sidecar } = await startPair(t, { env });
  control.break({ path: PATH, fault: { kind: 'silent' } });
  const reply = await sidecar.call(INFO);
  t.is(reply.headers['x-wechat-sidecar-error'], 'upstream_timeout');
  t.is(reply.json()['errcode'], -2);
  t.is(control.arrivals({ path: PATH }).length, 1);
  t.is(costOf(control).all, 0);
});
