import test from 'ava';
import fc from 'fast-check';
import { gate, type Gated, type GateRequest } from '../../src/proxy/gate.ts';
import { matchAny } from '../../src/wechat/path-pattern.ts';
import { PATH_READERS } from '../support/path-readers.ts';

const RULES = {
  upstreamHosts: new Set(['wx.corp.example']),
  denied: matchAny(['/cgi-bin/clear_quota*']),
};

type Headers = Readonly<Record<string, string>>;

function gated(url: string, headers: Headers = {}, httpVersion = '1.1'): Gated {
  const given = { host: 'localhost:3880', ...headers };
  const request: GateRequest = {
    method: 'GET',
    url,
    httpVersion,
    headers: given,
    rawHeaders: Object.entries(given).flat(),
  };
  return gate(request, RULES);
}

function messageOn(url: string, headers: Headers): string {
  const verdict = gated(url, headers);
  return verdict.kind === 'refused' ? verdict.message : '';
}

function verdictOn(url: string, headers: Headers = {}, httpVersion = '1.1'): string {
  const verdict = gated(url, headers, httpVersion);
  return verdict.kind === 'open' ? `open ${verdict.target.rawPath} ${verdict.target.query}` : verdict.reason;
}

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

test('other hosts never leave, however they are named', (t) => {
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

test('a call of WeCom is told that this is no way to it', (t) => {
  t.regex(messageOn('/cgi-bin/gettoken', { host: 'qyapi.weixin.qq.com' }), /WeCom \(企业微信\)/);
  t.notRegex(messageOn('/cgi-bin/gettoken', { host: 'evil.example' }), /WeCom/);
});

test('web pages of other origins are refused, those of loopback are not', (t) => {
  for (const origin of [
    'http://evil.example',
    'null',
    'https://api.weixin.qq.com',
    'http://localhost.evil',
    '',
  ]) {
    t.is(verdictOn('/wxa/x', { origin }), 'forbidden_origin', origin);
  }
  for (const origin of ['http://localhost:8080', 'https://127.0.0.1', 'http://[::1]:1']) {
    t.is(verdictOn('/wxa/x', { origin }), 'open /wxa/x undefined', origin);
  }
  t.is(verdictOn('/wxa/x', { 'sec-fetch-site': 'cross-site' }), 'forbidden_origin');
  t.is(verdictOn('/wxa/x', { 'sec-fetch-site': 'odd' }), 'forbidden_origin');
  t.is(verdictOn('/wxa/x', { 'sec-fetch-site': 'same-origin' }), 'open /wxa/x undefined');
});

test('ambiguous framing and targets that are no path are bad requests', (t) => {
  t.is(verdictOn('/x', { 'transfer-encoding': 'gzip, chunked' }), 'bad_request');
  t.is(verdictOn('/x', { 'transfer-encoding': 'chunked', 'content-length': '3' }), 'bad_request');
  t.is(verdictOn('/x', { 'transfer-encoding': 'chunked' }, '1.0'), 'bad_request');
  t.is(verdictOn('/x', { upgrade: 'websocket' }), 'bad_request');
  t.is(verdictOn('/x', { upgrade: 'h2c' }), 'open /x undefined');
  for (const target of ['*', '/x#y', 'api.weixin.qq.com:443', '/%zz', '/a%00', 'ftp://localhost/x', '']) {
    t.is(verdictOn(target), 'bad_request', target);
  }
});

test('TRACE, and versions that are not spoken here, are bad requests', (t) => {
  const request: GateRequest = {
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

test('denied paths are refused in every way to write them', (t) => {
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

test('no path that a server could take for a denied one gets through', (t) => {
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
  const request: GateRequest = {
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
