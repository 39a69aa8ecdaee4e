import test from 'ava';
import { gzipSync } from 'node:zlib';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { startTestProxy } from '../support/proxy.ts';
import { json, OK, startScriptedUpstream } from '../support/scripted-upstream.ts';

const FOREIGN = '92_a-token-of-another-account-0123456789';
const PATH = `/wxa/getpaidunionid?access_token=${FOREIGN}`;
const REFUSAL = '{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest"}';
const EVENT = 'foreign token refused';

test('a refused foreign token is reported by a header, a warning and a metric, and the response is unchanged', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(json(REFUSAL)));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const answer = await fetch(proxy.base + PATH);
  t.is(await answer.text(), REFUSAL);
  t.is(answer.headers.get('x-wechat-sidecar'), `0.0.0-test; app=${DEMO_APP.appid}; replay=0; token=foreign`);
  t.is(upstream.requests.length, 1);
  const lines = proxy.lines.filter((line) => line.includes(EVENT)).map((line) => JSON.parse(line));
  t.is(lines.length, 1);
  t.like(lines[0], { level: 'warn', app: DEMO_APP.appid, path: '/wxa/getpaidunionid', errcode: 40001 });
  t.regex(String(lines[0].advice), /WECHAT_SIDECAR_FOREIGN_TOKENS=replace/);
  t.regex(
    await proxy.metrics.page(),
    new RegExp(`^wechat_sidecar_foreign_token_refusals_total\\{app="${DEMO_APP.appid}"\\} 1$`, 'm'),
  );
  t.false(proxy.lines.join('\n').includes(FOREIGN));
});

test('every errcode that means a refused token is reported, in any content coding, and no other response', async (t) => {
  const answers: Record<string, Buffer> = {};
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    const name = /\/wxa\/(\w+)/.exec(head)?.[1] ?? '';
    socket.write(answers[name] ?? OK);
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  const reported = async (name: string, body: Buffer, headers = ''): Promise<boolean> => {
    answers[name] = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n`),
      body,
    ]);
    const answer = await fetch(`${proxy.base}/wxa/${name}?access_token=${FOREIGN}`);
    await answer.arrayBuffer();
    return answer.headers.get('x-wechat-sidecar')?.endsWith('; token=foreign') === true;
  };
  t.true(await reported('invalid', Buffer.from('{"errcode":40014,"errmsg":"invalid access_token"}')));
  t.true(await reported('expired', Buffer.from('{"errcode":"42001","errmsg":"access_token expired"}')));
  t.true(await reported('packed', gzipSync(REFUSAL), 'Content-Encoding: gzip\r\n'));
  t.false(await reported('fine', Buffer.from('{"errcode":0}')));
  t.false(
    await reported('quota', Buffer.from('{"errcode":45009,"errmsg":"reach max api daily quota limit"}')),
  );
  t.false(await reported('large', Buffer.from(`{"errcode":40001,"pad":"${'x'.repeat(5_000)}"}`)));
});

test('a storm of refused foreign tokens causes few log lines', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(json(REFUSAL)));
  const proxy = await startTestProxy(t, [upstream.origin]);
  for (let each = 0; each < 30; each++) await (await fetch(proxy.base + PATH)).text();
  t.true(proxy.lines.filter((line) => line.includes(EVENT)).length <= 5);
});

test("a user's own token, and one of ours, are not foreign", async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(json(REFUSAL)));
  const proxy = await startTestProxy(t, [upstream.origin]);
  for (const path of [
    `/sns/userinfo?access_token=${FOREIGN}`,
    `/wxa/x?component_access_token=${FOREIGN}`,
    '/wxa/x',
  ]) {
    const answer = await fetch(proxy.base + path);
    t.false(answer.headers.get('x-wechat-sidecar')?.includes('token=foreign'), path);
  }
  t.notRegex(await proxy.metrics.page(), /foreign_token_refusals_total\{/);
});

test('a program that calls WeCom is told that it is not supported, and its secret is not sent', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const answer = await fetch(`${proxy.base}/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=theirs`);
  const { errcode, errmsg } = (await answer.json()) as { errcode: number; errmsg: string };
  t.deepEqual([answer.status, errcode], [200, -3]);
  t.regex(errmsg, /WeCom \(企业微信\)/);
  t.deepEqual(upstream.requests, []);
});
