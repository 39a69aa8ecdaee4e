import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../support/hub.ts';
import { RoleProcess } from '../support/process.ts';
import { APPID, APPSECRET, Sidecar, startPair } from '../support/sidecar.ts';
import { ask, type Reply } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIGNATURE = '/__sidecar/jssdk-signature';
const PAGE = 'https://shop.example/a?b=中文&c=%20#/route';
const KEY = 'client-key-0123456789abcdef';

function pathFor(url: string): string {
  return `${SIGNATURE}?url=${encodeURIComponent(url)}`;
}

function assertSigns(t: ExecutionContext, reply: Reply, ticket: string, url: string = PAGE): void {
  t.is(reply.status, 200, reply.body.toString());
  const { appId, timestamp, nonceStr, signature, ...rest } = reply.json();
  t.deepEqual(rest, {});
  t.is(appId, APPID);
  t.true(Math.abs(Number(timestamp) - Date.now() / 1_000) < 60);
  const text = `jsapi_ticket=${ticket}&noncestr=${String(nonceStr)}&timestamp=${String(timestamp)}&url=${url.replace(/#.*/, '')}`;
  t.is(signature, createHash('sha1').update(text).digest('hex'));
}

async function ticketOf(sidecar: Sidecar): Promise<string> {
  return String((await sidecar.call('/cgi-bin/ticket/getticket?type=jsapi')).json()['ticket']);
}

test('a sidecar signs pages with its cached ticket, by GET and POST, for the account that the call names', async (t) => {
  const { control, sidecar } = await startPair(t);
  const first = await sidecar.call(pathFor(PAGE));
  const ticket = await ticketOf(sidecar);
  assertSigns(t, first, ticket);
  t.is(first.headers['cache-control'], 'no-store');
  assertSigns(t, await sidecar.call(pathFor(PAGE), { method: 'POST' }), ticket);
  const named = await sidecar.call(pathFor('http://a/'), { headers: { 'x-wechat-appid': APPID } });
  assertSigns(t, named, ticket, 'http://a/');
  t.is(control.counters().paths['/cgi-bin/ticket/getticket']?.calls, 1);

  const stranger = await sidecar.call(pathFor(PAGE), { headers: { 'x-wechat-appid': 'wx00000000000000ff' } });
  t.is(stranger.headers['x-wechat-sidecar-error'], 'unknown_app');
  for (const path of [
    SIGNATURE,
    `${pathFor(PAGE)}&url=http%3A%2F%2Fb%2F`,
    pathFor('ftp://a/'),
    pathFor('http://u:p@a/'),
    '/__sidecar/other?url=http%3A%2F%2Fa%2F',
    '/__sidecar/',
  ]) {
    const refused = await sidecar.call(path);
    t.is(refused.headers['x-wechat-sidecar-error'], 'bad_request', path);
    t.is(refused.status, 400);
  }
  const page = await sidecar.call(pathFor(PAGE), { headers: { origin: 'https://evil.example' } });
  t.is(page.headers['x-wechat-sidecar-error'], 'forbidden_origin');
  const put = await sidecar.call(pathFor(PAGE), { method: 'PUT' });
  t.is(put.headers['x-wechat-sidecar-error'], 'bad_request');
});

test('30 pages per second are signed for an account, only on listed hosts, and none without a ticket', async (t) => {
  const { control, sidecar } = await startPair(t, {
    env: { WECHAT_SIDECAR_JSSDK_ALLOWED_URL_HOSTS: 'shop.example, pay.example' },
  });
  const other = await sidecar.call(pathFor('https://evil.example/?https://shop.example/'));
  t.is(other.headers['x-wechat-sidecar-error'], 'bad_request');
  t.regex(other.body.toString(), /jssdk\.allowedUrlHosts/);
  control.answer({
    path: '/cgi-bin/ticket/getticket',
    body: '{"errcode":48001,"errmsg":"api unauthorized"}',
  });
  const without = await sidecar.call(pathFor(PAGE));
  t.is(without.headers['x-wechat-sidecar-error'], 'token_unavailable');
  t.is(without.json()['errcode'], 48001);
  const burst = await Promise.all(Array.from({ length: 90 }, () => sidecar.call(pathFor(PAGE))));
  const refused = burst.filter((reply) => reply.headers['x-wechat-sidecar-error'] === 'bad_request');
  t.true(refused.length >= 1 && refused.length <= 61, String(refused.length));
  t.regex(refused[0]?.body.toString() ?? '', /30 pages a second/);
});

test('with a hub, the hub signs: only for callers with that right, and only allowed pages', async (t) => {
  const platform = await startSimulator(t);
  const folder = temporaryFolder(t);
  const file = join(folder, 'hub.yaml');
  const client = (name: string, more: string): string =>
    `  - { name: ${name}, keySha256: ${sha256(`${KEY}-${name}`)}, apps: ["*"], ${more} }\n`;
  writeFileSync(
    file,
    'clients:\n' +
      client('signer', 'may: [tokens, sign], jssdk: { allowedUrlHosts: [shop.example] }') +
      client('tickets', 'may: [tokens, tickets]') +
      client('all', 'may: [tokens, tickets, sign]'),
    { mode: 0o600 },
  );
  const hub = await new RoleProcess(t, 'hub', {
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_CONFIG: file,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    },
    secrets: [KEY],
  }).untilServing();
  const sidecarFor = async (name: string): Promise<Sidecar> => {
    const keyFile = join(folder, name);
    writeFileSync(keyFile, `${KEY}-${name}`, { mode: 0o600 });
    const sidecar = new Sidecar(t, 'proxy', {
      env: {
        WECHAT_SIDECAR_HUB_URL: hub.base,
        WECHAT_SIDECAR_HUB_TOKEN_FILE: keyFile,
        WECHAT_SIDECAR_UPSTREAMS: platform.origin,
      },
      secrets: [KEY],
    });
    return (await sidecar.untilServing()).untilReady();
  };
  const all = await sidecarFor('all');
  const ticket = await ticketOf(all);
  assertSigns(t, await all.call(pathFor(PAGE)), ticket);
  const signer = await sidecarFor('signer');
  assertSigns(t, await signer.call(pathFor(PAGE)), ticket);
  const evil = await signer.call(pathFor('https://evil.example/'));
  t.is(evil.headers['x-wechat-sidecar-error'], 'bad_request');
  const unsigned = await (await sidecarFor('tickets')).call(pathFor(PAGE));
  t.is(unsigned.headers['x-wechat-sidecar-error'], 'token_unavailable');
  t.regex(unsigned.body.toString(), /lacks the right \\"sign\\"/);

  const path = `${hub.base}/v1/apps/${APPID}/jssdk-signature`;
  const headers = { authorization: `Bearer ${KEY}-signer` };
  assertSigns(t, await ask(path, { headers, body: { url: PAGE } }), ticket);
  for (const body of [{}, { url: 1 }, { url: 'ftp://a/' }, { url: 'https://evil.example/' }]) {
    const refused = await ask(path, { headers, body });
    t.is(refused.status, 400);
    t.regex(refused.body.toString(), /urn:wechat-sidecar:problem:bad_request/);
  }
  t.is((await ask(path, { body: { url: PAGE } })).status, 401);

  // A cached ticket signs while the hub is down.
  await hub.stop();
  assertSigns(t, await all.call(pathFor(PAGE)), ticket);
  t.is((await signer.call(pathFor(PAGE))).headers['x-wechat-sidecar-error'], 'token_unavailable');
  rmSync(file);
});
