import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { standInFor } from '../../src/wechat/stand-in.ts';
import { layersOf, OF_URLS_AND_PAGES, readingsOf, written } from '../support/encoders.ts';
import { REPORTS_KEY, startTestHub } from '../support/hub.ts';
import { startHubProxy } from '../support/hub-proxy.ts';
import { startTestProxy } from '../support/proxy.ts';
import { startQuotingUpstream } from '../support/quoting-upstream.ts';
import { rawCall } from '../support/raw-call.ts';
import { ask } from '../support/simulator-client.ts';

const CALL = '/cgi-bin/user/get?next_openid=';
const LOGIN = '/sns/jscode2session?js_code=1&grant_type=authorization_code';
const STAND_IN = standInFor(DEMO_APP.appid);
const CODINGS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

/** The whole answer as it came over the wire, in Latin-1. */
const heardFrom = (port: number, target: string): Promise<string> =>
  rawCall(
    port,
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: close\r\n\r\n`,
  );

function quotesNone(t: ExecutionContext, heard: string, secrets: readonly string[]): void {
  for (const reading of readingsOf(heard)) {
    for (const secret of secrets) t.false(reading.includes(secret), heard);
  }
}

test('a redirect that quotes the URL returns neither token nor secret, and can be followed', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const proxy = await startTestProxy(t, [upstream.origin]);
  upstream.says = (url) => ({ status: 302, headers: { Location: `https://api.weixin.qq.com${url}` } });
  const moved = await ask(proxy.base + CALL);
  t.is(moved.status, 302);
  t.is(moved.headers.location, `https://api.weixin.qq.com${CALL}&access_token=${STAND_IN}`);
  const login = await ask(proxy.base + LOGIN);
  t.is(login.headers.location, `https://api.weixin.qq.com${LOGIN}&appid=${DEMO_APP.appid}&secret=`);

  let followed = '';
  upstream.says = (url) => {
    followed = url;
    return { status: 200, body: '{"errcode":0}' };
  };
  await ask(
    proxy.base +
      new URL(String(moved.headers.location)).pathname +
      new URL(String(moved.headers.location)).search,
  );
  t.is(followed, `${CALL}&access_token=${upstream.tokens[0]}`);
});

test('whatever part of a call a response quotes, in any encoding, no secret is in a header or a held body', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const proxy = await startTestProxy(t, [upstream.origin]);
  const header = fc.constantFrom(
    'Location',
    'Content-Location',
    'Refresh',
    'Link',
    'Set-Cookie',
    'WWW-Authenticate',
    'X-Request-Url',
  );
  const page = (text: string): string => `<html><a href="${text}">moved</a>&nbsp;</html>`;
  const shape = fc.constantFrom(
    {
      type: 'application/json',
      of: (text: string) => JSON.stringify({ errcode: 40066, errmsg: `invalid url ${text}` }),
    },
    {
      type: 'application/json',
      of: (text: string) => `\ufeff${JSON.stringify({ url: text }).replaceAll('/', '\\/')}\0`,
    },
    { type: 'text/html; charset=utf-8', of: page },
    { type: 'text/plain', of: (text: string) => `Cannot GET ${text}` },
  );
  const quote = fc.record({
    status: fc.constantFrom(200, 201, 301, 302, 307, 400, 404, 414, 500, 502, 503),
    header,
    shape,
    coding: fc.constantFrom(undefined, undefined, 'gzip', 'deflate', 'br', 'utf-8'),
    honest: fc.boolean(),
    path: fc.constantFrom(CALL, LOGIN, `${CALL}&access_token=${STAND_IN}`),
    part: fc.constantFrom('url', 'query', 'pairs'),
    layers: layersOf(OF_URLS_AND_PAGES),
  });
  let told = '';
  await fc.assert(
    fc.asyncProperty(
      quote,
      async ({ status, header: name, shape: { type, of }, coding, honest, path, part, layers }) => {
        told = '';
        upstream.says = (url) => {
          const text =
            part === 'url' ? url : part === 'query' ? url.replace(/^.*\?/, '') : url.split(/[?&]/).join(' ');
          const quoted = written(text, layers, 'place');
          if (quoted.length > 3_000) return { status: 204 };
          told = quoted;
          const encode = CODINGS[coding as keyof typeof CODINGS];
          const body = honest && encode !== undefined ? encode(of(quoted)) : of(quoted);
          const codingHeader = coding === undefined ? {} : { 'content-encoding': coding };
          return {
            status,
            reason: quoted.slice(0, 200),
            headers: { [name]: quoted, 'content-type': type, ...codingHeader },
            body,
          };
        };
        const heard = await heardFrom(proxy.port, path);
        quotesNone(t, heard, [...upstream.tokens, DEMO_APP.secret]);
        if (told !== '' && coding !== undefined && honest)
          t.notRegex(heard, /content-encoding: (?:gzip|br|deflate)/i);
        const length = Number(/content-length: (\d+)/i.exec(heard)?.[1] ?? 0);
        t.is(heard.length - heard.indexOf('\r\n\r\n') - 4, length);
      },
    ),
    { numRuns: 400 },
  );
});

test('a page without a length that quotes the URL is held and redacted, a long one is streamed', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const proxy = await startTestProxy(t, [upstream.origin]);
  for (const [status, type] of [
    [404, 'text/plain'],
    [502, 'text/html'],
    [200, 'text/html'],
  ] as const) {
    upstream.says = (url) => ({
      status,
      headers: { 'content-type': type },
      body: `<p>${'x'.repeat(6_000)} ${url}</p>`,
      chunked: true,
    });
    const { body, headers } = await ask(proxy.base + CALL);
    t.true(body.toString().endsWith(`${CALL}&access_token=[redacted]</p>`), `${status}`);
    t.is(headers['content-length'], String(body.length));
  }
  upstream.says = (url) => ({ status: 404, body: 'x'.repeat(100_000) + url, headers: { 'x-url': url } });
  const long = await ask(proxy.base + CALL);
  t.is(long.headers['x-url'], `${CALL}&access_token=${STAND_IN}`);
  t.is(long.body.length, 100_000 + CALL.length + '&access_token='.length + String(upstream.tokens[0]).length);
});

test('a response that quotes nothing is passed on byte for byte, with its coding', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const proxy = await startTestProxy(t, [upstream.origin]);
  const body = gzipSync('<html>access_token=%5F&amp;\\u0041</html>');
  const headers = {
    'content-encoding': 'gzip',
    'content-type': 'text/html',
    etag: '"a"',
    location: '/a?b=%5F',
  };
  for (const status of [200, 302, 404, 503]) {
    upstream.says = () => ({ status, headers, body });
    const answer = await ask(proxy.base + CALL);
    t.true(answer.body.equals(body));
    t.like(answer.headers, headers);
  }
});

test('a value from the caller itself is returned to it', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const proxy = await startTestProxy(t, [upstream.origin]);
  upstream.says = (url) => ({ status: 404, headers: { location: url }, body: `no ${url}` });
  const target = '/wxa/x?access_token=99_foreign_token_of_somebody_else';
  const { headers, body } = await ask(proxy.base + target);
  t.is(headers.location, target);
  t.is(body.toString(), `no ${target}`);
});

test('a refusal that quotes the token is healed, or else returned without the token', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const proxy = await startTestProxy(t, [upstream.origin]);
  upstream.says = (url) =>
    url.startsWith('/cgi-bin/get_api_domain_ip')
      ? { status: 200, body: '{"ip_list":[]}' }
      : { status: 200, body: JSON.stringify({ errcode: 40001, errmsg: `invalid credential in ${url}` }) };
  for (const query of ['', `&access_token=${STAND_IN}`]) {
    const { body } = await ask(proxy.base + CALL + query);
    t.regex(body.toString(), /invalid credential in .*access_token=\[redacted\]/);
    quotesNone(t, body.toString(), upstream.tokens);
  }
  quotesNone(t, proxy.lines.join('\n'), upstream.tokens);
});

test('a hub does not pass on a response that quotes the AppSecret, and says so', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const hub = await startTestHub(t, [upstream.origin]);
  const proxy = await startHubProxy(t, [upstream.origin], [hub.base]);
  const page = (url: string): string => `<p>moved to ${url.replaceAll('&', '&amp;')}</p>`;
  for (const [what, says] of [
    [
      'a JSON error',
      (url: string) => ({ status: 200, body: JSON.stringify({ errcode: 40066, errmsg: url }) }),
    ],
    ['a page', (url: string) => ({ status: 404, body: page(url) })],
    [
      'a page in gzip',
      (url: string) => ({ status: 502, body: gzipSync(page(url)), headers: { 'content-encoding': 'gzip' } }),
    ],
    ['an encoded URL', (url: string) => ({ status: 200, body: encodeURIComponent(url) })],
    [
      'a type',
      (url: string) => ({ status: 200, body: '{}', headers: { 'content-type': `text/x; y="${url}"` } }),
    ],
  ] as const) {
    upstream.says = says;
    const relayed = await hub.call(`/v1/apps/${DEMO_APP.appid}/relay`, {
      body: { method: 'GET', path: '/sns/jscode2session', query: 'js_code=1' },
    });
    t.is(relayed.status, 502, what);
    t.like(relayed.json(), { type: 'urn:wechat-sidecar:problem:upstream_broken' });
    quotesNone(t, relayed.body.toString() + relayed.rawHeaders.join(), [DEMO_APP.secret]);
    const heard = await heardFrom(proxy.port, LOGIN);
    t.regex(heard, /x-wechat-sidecar-error: upstream_broken/, what);
    quotesNone(t, heard, [DEMO_APP.secret, REPORTS_KEY]);
  }
  quotesNone(t, hub.lines.join('\n') + proxy.lines.join('\n'), [DEMO_APP.secret, REPORTS_KEY]);
});

test('a hub behind a gateway that encodes responses unasked can be read', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const hub = await startQuotingUpstream(t);
  hub.says = (url) => {
    const body = url.endsWith('/relay') ? { errcode: 40029 } : { apps: [{ appid: DEMO_APP.appid }] };
    const headers = { 'content-encoding': 'gzip', 'x-wechat-sidecar-relay': '1' };
    return { status: 200, headers, body: gzipSync(JSON.stringify(body)) };
  };
  const proxy = await startHubProxy(t, [upstream.origin], [hub.origin]);
  t.like(await proxy.answer(LOGIN), { errcode: 40029 });
});

test('a server that is not a hub and quotes the credential does not expose it', async (t) => {
  const upstream = await startQuotingUpstream(t);
  const problem = { type: 'urn:wechat-sidecar:problem:unknown_app', title: '', status: 404 };
  for (const says of [
    (_: string, credential: string) => ({
      status: 404,
      body: JSON.stringify({ ...problem, detail: `no ${credential}` }),
    }),
    (_: string, credential: string) => ({
      status: 200,
      headers: { 'x-wechat-sidecar-relay': '1', 'content-type': `text/x; y="${credential}"` },
      body: JSON.stringify({ errcode: 1, errmsg: encodeURIComponent(credential) }),
    }),
  ]) {
    upstream.says = says;
    const proxy = await startHubProxy(t, [upstream.origin], [upstream.origin], {
      env: { WECHAT_SIDECAR_DEFAULT_APP: DEMO_APP.appid },
    });
    for (const target of [CALL, LOGIN]) quotesNone(t, await heardFrom(proxy.port, target), [REPORTS_KEY]);
    quotesNone(t, proxy.lines.join('\n') + (await proxy.metrics.page()) + JSON.stringify(proxy.status()), [
      REPORTS_KEY,
    ]);
  }
});
