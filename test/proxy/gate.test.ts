import test from 'ava';
import fc from 'fast-check';
import type { CallRequest } from '../../src/proxy/caller.ts';
import { gate, type Gated, type GateRules } from '../../src/proxy/gate.ts';
import { matchAny } from '../../src/wechat/path-pattern.ts';
import { PATH_READERS } from '../support/path-readers.ts';

const RULES: GateRules = {
  upstreamHosts: new Set(['wx.corp.example']),
  allowedHosts: new Set(),
  allowedOrigins: new Set(),
  denied: matchAny(['/cgi-bin/clear_quota*']),
};

type Headers = Readonly<Record<string, string>>;

function gated(
  url: string,
  headers: Headers = {},
  httpVersion = '1.1',
  more: { method?: string; host?: undefined; socket?: object } = {},
  rules: GateRules = RULES,
): Gated {
  const given = { ...('host' in more ? {} : { host: 'localhost:3880' }), ...headers };
  const request: CallRequest = {
    method: more.method ?? 'GET',
    url,
    httpVersion,
    headers: given,
    rawHeaders: Object.entries(given).flat(),
    ...(more.socket !== undefined && { socket: more.socket }),
  };
  return gate(request, rules);
}

function messageOn(url: string, headers: Headers): string {
  const verdict = gated(url, headers);
  return verdict.kind === 'refused' ? verdict.message : '';
}

function verdictOn(...call: Parameters<typeof gated>): string {
  const verdict = gated(...call);
  if (verdict.kind === 'preflight') return verdict.kind;
  return verdict.kind === 'open' ? `open ${verdict.target.rawPath} ${verdict.target.query}` : verdict.reason;
}

test('a path that was admitted is refused as soon as the rules deny it, and the other way round', (t) => {
  const stricter: GateRules = { ...RULES, denied: matchAny(['/wxa/new*', '/cgi-bin/clear_quota*']) };
  const call = (url: string, rules: GateRules): string => verdictOn(url, {}, '1.1', {}, rules);
  for (let round = 0; round < 3; round++) {
    t.is(call(`/wxa/new?round=${round}`, RULES), `open /wxa/new round=${round}`);
    t.is(call('/cgi-bin/clear_quota', RULES), 'forbidden_path');
    t.is(call('/wxa/new', stricter), 'forbidden_path');
  }
});

test('each of thousands of different paths gets its own verdict, however often they are called', (t) => {
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 2_500; at++) {
      t.is(verdictOn(`/wxa/p${at}?a=${round}`), `open /wxa/p${at} a=${round}`);
      if (at % 100 === 0) t.is(verdictOn(`/cgi-bin/clear_quota${at}`), 'forbidden_path');
    }
  }
});

test('loopback, the API hosts and the upstreams are served, in origin and absolute form', (t) => {
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:3880',
    '[::1]:3880',
    'api.weixin.qq.com',
    'api2.weixin.qq.com:443',
    'sh.api.weixin.qq.com',
    'sz.api.weixin.qq.com',
    'hk.api.weixin.qq.com.',
    'wx.corp.example',
  ]) {
    t.is(verdictOn('/wxa/x?a=1', { host }), 'open /wxa/x a=1', host);
    t.is(verdictOn(`http://${host}/wxa/x?a=1`, { host: 'anything' }), 'open /wxa/x a=1', host);
    t.is(verdictOn(`HTTPS://${host}/wxa/x`), 'open /wxa/x undefined', host);
  }
  t.is(verdictOn('http://api.weixin.qq.com?a=1'), 'open / a=1');
});

test('calls to other hosts are never sent, however they are named', (t) => {
  for (const host of [
    'evil.example',
    'api.weixin.qq.com.evil.example',
    'localhost.evil.example',
    'api.weixin.qq.com@evil.example',
    'evil.example:80',
    'mp.weixin.qq.com',
    '10.0.0.1',
    '127.0.0.1.nip.io',
    '',
  ]) {
    t.is(verdictOn('/wxa/x', { host }), 'forbidden_host', host);
    if (host !== '') t.is(verdictOn(`http://${host}/wxa/x`), 'forbidden_host', host);
  }
});

test('a call to the host of WeCom is refused with a message that names it', (t) => {
  t.regex(messageOn('/cgi-bin/gettoken', { host: 'qyapi.weixin.qq.com' }), /WeCom \(企业微信\)/);
  t.notRegex(messageOn('/cgi-bin/gettoken', { host: 'evil.example' }), /WeCom/);
});

test('web pages are refused unless they are same-origin', (t) => {
  const own = { host: 'localhost:3880' };
  for (const origin of [
    'http://evil.example',
    'null',
    'https://api.weixin.qq.com',
    'http://localhost.evil',
    '',
    'http://localhost',
    'http://localhost:8080',
    'https://localhost:3880',
    'http://127.0.0.1:3880',
    'http://[::1]:3880',
    'http://localhost:3880/x',
    'http://x@localhost:3880',
    'file://',
  ]) {
    t.is(verdictOn('/wxa/x', { ...own, origin }), 'forbidden_origin', origin);
  }
  t.is(verdictOn('/wxa/x', { ...own, origin: 'http://localhost:3880' }), 'open /wxa/x undefined');
  t.is(verdictOn('/wxa/x', { host: '[::1]:80', origin: 'http://[::1]' }), 'open /wxa/x undefined');
  t.is(verdictOn('http://api.weixin.qq.com/x', { origin: 'http://api.weixin.qq.com' }), 'open /x undefined');
  t.is(verdictOn('/x', { origin: 'http://localhost' }, '1.0', { host: undefined }), 'forbidden_origin');
  for (const site of ['cross-site', 'same-site', 'odd', '', 'none, none']) {
    t.is(verdictOn('/wxa/x', { 'sec-fetch-site': site }), 'forbidden_origin', site);
  }
  for (const site of ['none', 'same-origin', 'Same-Origin']) {
    t.is(verdictOn('/wxa/x', { 'sec-fetch-site': site }), 'open /wxa/x undefined', site);
  }
  t.is(
    verdictOn('/x', { ...own, origin: 'http://evil.example', 'sec-fetch-site': 'none' }),
    'forbidden_origin',
  );
});

test('a page over HTTPS has another origin than one over HTTP', (t) => {
  const headers = { host: 'api.weixin.qq.com', origin: 'https://api.weixin.qq.com' };
  t.is(verdictOn('/wxa/x', headers), 'forbidden_origin');
  t.is(verdictOn('/wxa/x', headers, '1.1', { socket: { encrypted: true } }), 'open /wxa/x undefined');
});

test('without Origin and Sec-Fetch-Site a Referer identifies a web page', (t) => {
  for (const referer of [
    'https://evil.example/',
    'https://servicewechat.com.evil.example/',
    'about:blank',
    'x',
  ]) {
    t.is(verdictOn('/wxa/x', { referer }), 'forbidden_origin', referer);
  }
  for (const referer of [
    '',
    'http://localhost:8080/app',
    'http://127.0.0.1/',
    'http://[::1]:1/x?y',
    'https://servicewechat.com/wx0123456789abcdef/devtools/page-frame.html',
  ]) {
    t.is(verdictOn('/wxa/x', { referer }), 'open /wxa/x undefined', referer);
  }
  const referer = 'https://evil.example/';
  t.is(verdictOn('/wxa/x', { referer, 'sec-fetch-site': 'none' }), 'open /wxa/x undefined');
});

test('pages of allowed origins are accepted, preflights too', (t) => {
  const origin = 'http://localhost:5173';
  const rules = { ...RULES, allowedOrigins: new Set([origin]) };
  const pageOn = (method: string, headers: Headers, path = '/wxa/x'): string => {
    const verdict = gated(path, headers, '1.1', { method }, rules);
    return `${verdict.kind === 'refused' ? verdict.reason : verdict.kind} ${verdict.page}`;
  };
  const site = { 'sec-fetch-site': 'same-site' };
  t.is(pageOn('POST', { origin, ...site }), `open ${origin}`);
  t.is(pageOn('POST', { origin: 'HTTP://localhost:5173', ...site }), `open ${origin}`);
  t.is(pageOn('GET', { referer: `${origin}/x`, ...site }), 'open undefined');
  t.is(pageOn('GET', { referer: `${origin}.evil.example/x`, ...site }), 'forbidden_origin undefined');
  t.is(pageOn('GET', { origin: 'http://localhost:5174', referer: origin }), 'forbidden_origin undefined');
  t.is(pageOn('GET', { origin }, '/cgi-bin/clear_quota'), `forbidden_path ${origin}`);
  const asks = { 'access-control-request-method': 'POST' };
  t.is(pageOn('OPTIONS', { origin, ...asks }), `preflight ${origin}`);
  t.is(pageOn('OPTIONS', { origin }), `open ${origin}`);
  t.is(pageOn('OPTIONS', asks), 'open undefined');
  t.is(pageOn('OPTIONS', { origin: 'http://evil.example', ...asks }), 'forbidden_origin undefined');
  t.is(pageOn('GET', { origin, host: 'evil.example' }), 'forbidden_host undefined');
});

test('ambiguous framing and targets other than a path are bad requests', (t) => {
  t.is(verdictOn('/x', { 'transfer-encoding': 'gzip, chunked' }), 'bad_request');
  t.is(verdictOn('/x', { 'transfer-encoding': 'chunked', 'content-length': '3' }), 'bad_request');
  t.is(verdictOn('/x', { 'transfer-encoding': 'chunked' }, '1.0'), 'bad_request');
  t.is(verdictOn('/x', { upgrade: 'websocket' }), 'bad_request');
  t.is(verdictOn('/x', { upgrade: 'h2c' }), 'open /x undefined');
  for (const target of ['*', '/x#y', 'api.weixin.qq.com:443', '/%zz', '/a%00', 'ftp://localhost/x', '']) {
    t.is(verdictOn(target), 'bad_request', target);
  }
});

test('TRACE and unsupported versions of HTTP are bad requests', (t) => {
  const request: CallRequest = {
    method: 'TRACE',
    url: '/wxa/x',
    httpVersion: '1.1',
    headers: { host: 'localhost' },
    rawHeaders: ['Host', 'localhost'],
  };
  t.is(gate(request, RULES).kind, 'refused');
  t.is(gate({ ...request, method: 'GET' }, RULES).kind, 'open');
  t.is(gate({ ...request, method: 'GET', httpVersion: '2.0' }, RULES).kind, 'refused');
});

test('denied paths are refused in every spelling', (t) => {
  for (const path of [
    '/cgi-bin/clear_quota',
    '//cgi-bin/clear_quota',
    '/cgi-bin/clear_quota/v2',
    '/cgi-bin/%63lear_quota',
    '/cgi-bin/%2563lear_quota',
    '/x/../cgi-bin//clear_quota',
    'http://localhost//cgi-bin/clear_quota',
    '/cgi-bin/x/..;/clear_quota',
    '/cgi-bin/x/..;a=b/clear_quota',
    '/cgi-bin/.;/clear_quota',
    '/x/%2e%2e%3b/cgi-bin/clear_quota',
    '/cgi-bin;x/clear_quota',
    '/cgi-bin/Clear_Quota',
    '/cgi-bin/clear_quota%00.png',
    '/cgi-bin/clear_quota%zz',
    '/cgi-bin%c0%afclear_quota',
    '/cgi-bin/%ef%bd%83lear_quota',
  ]) {
    t.is(verdictOn(path), 'forbidden_path', path);
  }
  t.is(verdictOn('//wxa/x'), 'open /wxa/x undefined');
});

test('no path that a server could read as a denied one is accepted', (t) => {
  const pieces = [
    '/',
    '\\',
    '..',
    '.',
    ';',
    '%2e',
    '%2f',
    '%5c',
    '%3b',
    '%252e',
    '%00',
    'cgi-bin',
    'clear_quota',
    'x',
  ];
  const anyPath = fc
    .array(fc.constantFrom(...pieces), { maxLength: 10 })
    .map((parts) => `/${parts.join('')}`);
  fc.assert(
    fc.property(anyPath, (path) => {
      if (!verdictOn(path).startsWith('open')) return;
      const collapsed = path.replace(/^\/+/, '/');
      for (const [name, read] of Object.entries(PATH_READERS)) {
        t.not(read(collapsed)?.startsWith('/cgi-bin/clear_quota'), true, `${path} gets through to ${name}`);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('an HTTP/1.0 caller need not send a Host', (t) => {
  const request: CallRequest = {
    method: 'GET',
    url: '/wxa/x',
    httpVersion: '1.0',
    headers: {},
    rawHeaders: [],
  };
  t.is(gate(request, RULES).kind, 'open');
  t.is(gate({ ...request, httpVersion: '1.1' }, RULES).kind, 'refused');
  const twice = {
    ...request,
    headers: { host: 'localhost' },
    rawHeaders: ['Host', 'localhost', 'host', 'localhost'],
  };
  t.is(gate(twice, RULES).kind, 'refused');
});

const FURTHER: GateRules = {
  ...RULES,
  allowedHosts: new Set(['wechat-sidecar', 'fd00::1']),
  allowedOrigins: new Set(['http://dev.example']),
};

test('an additional host is served to programs, whatever its port and case', (t) => {
  for (const host of ['wechat-sidecar', 'WECHAT-Sidecar:3880', 'wechat-sidecar.', '[FD00::1]:3880']) {
    t.is(
      verdictOn('/wxa/x', { host, 'user-agent': 'okhttp/4.9' }, '1.1', {}, FURTHER),
      'open /wxa/x undefined',
    );
    t.is(verdictOn(`http://${host}/wxa/x`, {}, '1.1', {}, FURTHER), 'open /wxa/x undefined');
    t.is(verdictOn('/wxa/x', { host }), 'forbidden_host');
  }
  for (const host of [
    'a.wechat-sidecar',
    'wechat-sidecar.example',
    'sidecar',
    'fd00::1',
    'wechat-sidecar:x',
  ]) {
    t.is(verdictOn('/wxa/x', { host }, '1.1', {}, FURTHER), 'forbidden_host', host);
  }
});

test('on an additional host, anything that only a browser sends is refused, because its page is unknown', (t) => {
  const browser = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' };
  for (const [headers, further, usual] of [
    [browser, 'forbidden_origin', 'open /wxa/x undefined'],
    [{ 'user-agent': 'mozilla/4.0' }, 'forbidden_origin', 'open /wxa/x undefined'],
    [{ 'user-agent': 'curl Mozilla/5.0' }, 'open /wxa/x undefined', 'open /wxa/x undefined'],
    [{ cookie: 'a=b' }, 'forbidden_origin', 'open /wxa/x undefined'],
    [{ cookie: '' }, 'forbidden_origin', 'open /wxa/x undefined'],
    [{ referer: 'http://evil.example/' }, 'forbidden_origin', 'forbidden_origin'],
    // Beside a sign that a usual host is content with.
    [
      { referer: 'http://evil.example/', 'sec-fetch-site': 'none' },
      'forbidden_origin',
      'open /wxa/x undefined',
    ],
    [
      { referer: 'https://servicewechat.com/wx1/1/page.html' },
      'open /wxa/x undefined',
      'open /wxa/x undefined',
    ],
    [{ ...browser, origin: 'http://dev.example' }, 'open /wxa/x undefined', 'open /wxa/x undefined'],
    [{ ...browser, referer: 'http://dev.example/a' }, 'open /wxa/x undefined', 'open /wxa/x undefined'],
  ] as const) {
    const on = (host: string): string => verdictOn('/wxa/x', { host, ...headers }, '1.1', {}, FURTHER);
    t.is(on('wechat-sidecar:3880'), further, JSON.stringify(headers));
    t.is(on('localhost:3880'), usual, JSON.stringify(headers));
  }
});
