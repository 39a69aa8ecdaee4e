import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { type Browser, chromium, type Frame, type Page } from 'playwright-core';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { chromiumPath, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { type RunningProxy, startTestProxy } from '../support/proxy.ts';
import { json, OK, startScriptedUpstream } from '../support/scripted-upstream.ts';
import type { Teardown } from '../support/simulator.ts';

const browserTest = chromiumPath === undefined ? test.serial.skip : test.serial;
const title = (words: string): string => (chromiumPath === undefined ? WITHOUT_CHROMIUM : '') + words;

/** The machine may be busy with other tests. */
const PATIENCE_MS = 60_000;

let browser: Promise<Browser> | undefined;

test.after.always(async () => {
  await (await browser)?.close();
});

async function openPage(t: Teardown, url?: string): Promise<Page> {
  browser ??= chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--no-sandbox',
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      // What browsers of late do against such pages on their own is not what is tried here.
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
    ],
  });
  const context = await (await browser).newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  if (url !== undefined) await page.goto(url);
  return page;
}

/** A page with a frame that has no origin, whatever host and path it is asked for; gives its port. */
async function startPages(t: Teardown): Promise<number> {
  const frame = '<iframe sandbox="allow-scripts allow-forms" srcdoc="<p>boxed</p>"></iframe>';
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>page</title>${frame}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A frame of its own, for a form or a link to open in. */
const FRAME = `const i = document.createElement("iframe"); i.name = "i" + Math.random();
  document.body.append(i);`;

/** How a page can have its browser call `u`, as scripts. */
const MEANS: Readonly<Record<string, string>> = {
  fetch: 'fetch(u).catch(() => 0)',
  fetchBlindly: 'fetch(u, { mode: "no-cors" }).catch(() => 0)',
  fetchWithoutReferrer: 'fetch(u, { mode: "no-cors", referrerPolicy: "no-referrer" }).catch(() => 0)',
  fetchPost: 'fetch(u, { method: "POST", mode: "no-cors", body: "{}" }).catch(() => 0)',
  fetchJson:
    'fetch(u, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }).catch(() => 0)',
  beacon: 'navigator.sendBeacon(u, "{}")',
  image: 'Object.assign(new Image(), { src: u })',
  script: 'document.body.append(Object.assign(document.createElement("script"), { src: u }))',
  style:
    'document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: u }))',
  media: 'document.body.append(Object.assign(document.createElement("video"), { src: u, preload: "auto" }))',
  object: 'document.body.append(Object.assign(document.createElement("object"), { data: u }))',
  frame: 'document.body.append(Object.assign(document.createElement("iframe"), { src: u }))',
  events: 'new EventSource(u)',
  socket: 'new WebSocket(u.replace("http:", "ws:"))',
  formPost: `${FRAME} const f = document.createElement("form"); f.method = "post"; f.action = u;
    f.target = i.name; document.body.append(f); f.submit()`,
  formGet: `${FRAME} const f = document.createElement("form"); f.action = u;
    f.target = i.name; document.body.append(f); f.submit()`,
  link: `${FRAME} const a = document.createElement("a"); a.href = u;
    a.target = i.name; document.body.append(a); a.click()`,
  // The last one, since the page is gone after it.
  leave: 'location.href = u',
};

function refusals({ lines }: RunningProxy): number {
  return lines.filter((line) => /"event":"call"/.test(line) && /"status":4\d\d/.test(line)).length;
}

async function tryAll(proxy: RunningProxy, from: Page | Frame, base: string): Promise<string[]> {
  const neverCame: string[] = [];
  for (const [name, script] of Object.entries(MEANS)) {
    const before = refusals(proxy);
    await from.evaluate(`{ const u = ${JSON.stringify(`${base}/wxa/${name}`)}; ${script}; 0 }`);
    for (let tries = 0; refusals(proxy) === before && tries < 100; tries++) await pause(50);
    if (refusals(proxy) === before) neverCame.push(name);
  }
  return neverCame;
}

browserTest(title('no page of another port or host can make a call, by any means'), async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const port = await startPages(t);
  for (const [host, target] of [
    ['localhost', 'localhost'],
    ['127.0.0.1', 'localhost'],
    ['evil.test', '127.0.0.1'],
  ]) {
    const page = await openPage(t, `http://${host}:${port}/`);
    t.deepEqual(await tryAll(proxy, page, `http://${target}:${proxy.port}`), [], host);
  }
  t.deepEqual(upstream.requests, []);
});

browserTest(title('a frame without an origin cannot make a call'), async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const page = await openPage(t, `http://localhost:${await startPages(t)}/`);
  const boxed = await (await page.waitForSelector('iframe')).contentFrame();
  t.deepEqual(await tryAll(proxy, boxed as Frame, `http://localhost:${proxy.port}`), []);
  t.deepEqual(upstream.requests, []);
});

browserTest(
  title('a page whose host name was rebound to us is refused, and a typed URL is served'),
  async (t) => {
    const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
    const proxy = await startTestProxy(t, [upstream.origin]);
    const page = await openPage(t);
    const rebound = `http://rebound.test:${proxy.port}`;
    await page.route(`${rebound}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '<p>' }));
    await page.goto(`${rebound}/page`);
    t.is(await page.evaluate('fetch("/wxa/x").then((answer) => answer.status)'), 421);
    t.is(await page.evaluate('fetch("/wxa/x", { method: "POST" }).then((answer) => answer.status)'), 421);
    t.deepEqual(upstream.requests, []);
    t.is((await page.goto(`${proxy.base}/wxa/typed`))?.status(), 200);
    t.regex(upstream.requests[0]?.head ?? '', /^GET \/wxa\/typed\?access_token=/);
  },
);

browserTest(
  title('a page of an allowed origin can call and read the responses, and no other page can'),
  async (t) => {
    const upstream = await startScriptedUpstream(t, ({ body }, socket) => {
      const cors = 'Access-Control-Allow-Origin: https://elsewhere.example\r\nVary: Accept\r\n';
      socket.write(json(`{"errcode":0,"got":${body.length}}`, cors));
    });
    const port = await startPages(t);
    const proxy = await startTestProxy(t, [upstream.origin], {
      WECHAT_SIDECAR_ALLOWED_ORIGINS: `http://localhost:${port}`,
      WECHAT_SIDECAR_DENY_PATHS: '/cgi-bin/clear_quota*',
    });
    const page = await openPage(t, `http://localhost:${port}/`);
    const read = (path: string, init: object = {}): Promise<unknown> =>
      page.evaluate(`fetch(${JSON.stringify(proxy.base + path)}, ${JSON.stringify(init)}).then(async (answer) => [
      answer.status, answer.headers.get('x-wechat-sidecar'), answer.headers.get('x-wechat-sidecar-error'),
      await answer.json()])`);
    const about = `0.0.0-test; app=${DEMO_APP.appid}; replay=0`;
    t.deepEqual(await read('/wxa/x'), [200, about, null, { errcode: 0, got: 0 }]);
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-wechat-appid': DEMO_APP.appid },
      body: '{}',
    };
    t.deepEqual(await read('/wxa/x', init), [200, about, null, { errcode: 0, got: 2 }]);
    t.like(await read('/cgi-bin/clear_quota', init), { 0: 403, 2: 'forbidden_path' });
    const token = await read(`/cgi-bin/token?appid=${DEMO_APP.appid}&secret=s`);
    t.like(token, { 0: 200, 3: { expires_in: 7200 } });

    const before = upstream.requests.length;
    const other = await openPage(t, `http://evil.test:${port}/`);
    t.deepEqual(await tryAll(proxy, other, proxy.base), []);
    t.is(upstream.requests.length, before);
  },
);

test('a preflight gets a response for the call that it asks for', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const origin = 'http://localhost:5173';
  const proxy = await startTestProxy(t, [upstream.origin], { WECHAT_SIDECAR_ALLOWED_ORIGINS: origin });
  const headers = {
    origin,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'content-type,x-wechat-appid',
  };
  const preflight = await fetch(`${proxy.base}/wxa/x`, { method: 'OPTIONS', headers });
  t.is(preflight.status, 204);
  t.deepEqual(
    ['origin', 'methods', 'headers', 'credentials'].map((name) =>
      preflight.headers.get(`access-control-allow-${name}`),
    ),
    [origin, 'PUT', 'content-type,x-wechat-appid', null],
  );
  t.is(preflight.headers.get('vary'), 'origin');
  const foreign = await fetch(`${proxy.base}/wxa/x`, {
    method: 'OPTIONS',
    headers: { ...headers, origin: 'http://localhost:5174' },
  });
  t.is(foreign.status, 403);
  t.is(foreign.headers.get('access-control-allow-origin'), null);
  const plain = await fetch(`${proxy.base}/wxa/x`);
  t.is(plain.headers.get('access-control-allow-origin'), null);
  t.is(upstream.requests.length, 1);
});
