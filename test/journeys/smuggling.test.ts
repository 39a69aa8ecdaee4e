import test, { type ExecutionContext } from 'ava';
import { rawConnection } from '../support/raw-call.ts';
import { APPID, INFO, type Pair, type Sidecar, startPair } from '../support/sidecar.ts';

const TARGET = '/cgi-bin/message/custom/send';
/** This must never arrive as a separate request. */
const SMUGGLED = 'GET /cgi-bin/clear_quota/v2 HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** The same as a chunk, after the end of a chunked body. */
const AFTER_END = `0\r\n\r\n${SMUGGLED}`;

/** By then a smuggled request would have arrived at the platform. */
const QUIET_MS = 2_000;

function post(headers: string, body: string): string {
  return `POST ${TARGET} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`;
}

function get(target: string, headers = 'Host: localhost'): string {
  return `GET ${target} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`;
}

/**
 * Sends the bytes and returns everything that was received until the connection was closed, by us after a
 * while.
 */
async function exchangeRaw(sidecar: Sidecar, bytes: string): Promise<string> {
  const connection = await rawConnection(sidecar.port);
  connection.socket.write(Buffer.from(bytes, 'latin1'));
  const timer = setTimeout(() => connection.socket.end(), QUIET_MS);
  const received = await connection.untilClosed();
  clearTimeout(timer);
  return received;
}

function statusesOf(received: string): string[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => String(status));
}

/** Each gets one response with this status and our errcode, and no part of it reaches the platform. */
async function allRefused(
  t: ExecutionContext,
  { sidecar, control }: Pair,
  shapes: Readonly<Record<string, string>>,
  status: RegExp,
): Promise<void> {
  control.clear();
  for (const [name, bytes] of Object.entries(shapes)) {
    const received = await exchangeRaw(sidecar, bytes);
    t.is(statusesOf(received).length, 1, `${name}: ${received}`);
    t.regex(statusesOf(received)[0] ?? '', status, name);
    t.regex(received, /\{"errcode":-3,"errmsg":"wechat-sidecar: [^"]+"\}$/, name);
    t.deepEqual(control.arrivals(), [], name);
  }
  t.is((await sidecar.call(INFO)).status, 200, 'and it works on');
}

const AMBIGUOUS: Readonly<Record<string, string>> = {
  'Content-Length and Transfer-Encoding': post('Content-Length: 6\r\nTransfer-Encoding: chunked', AFTER_END),
  'Transfer-Encoding and Content-Length': post('Transfer-Encoding: chunked\r\nContent-Length: 6', AFTER_END),
  'two lengths that differ': post('Content-Length: 2\r\nContent-Length: 80', `{}${SMUGGLED}`),
  'two lengths that agree': post('Content-Length: 2\r\nContent-Length: 2', `{}${SMUGGLED}`),
  'a list of lengths': post('Content-Length: 2, 2', `{}${SMUGGLED}`),
  'a signed length': post('Content-Length: +2', `{}${SMUGGLED}`),
  'a negative length': post('Content-Length: -2', `{}${SMUGGLED}`),
  'a hexadecimal length': post('Content-Length: 0x2', `{}${SMUGGLED}`),
  'an endless length': post('Content-Length: 99999999999999999999999', `{}${SMUGGLED}`),
  'an empty length': post('Content-Length:', `{}${SMUGGLED}`),
  'a coding that is not chunked': post('Transfer-Encoding: xchunked', AFTER_END),
  'identity beside a length': post('Transfer-Encoding: identity\r\nContent-Length: 2', `{}${SMUGGLED}`),
  'two codings': post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'),
  'chunked twice': post('Transfer-Encoding: chunked, chunked', '0\r\n\r\n'),
  'chunked in two headers': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  'chunked and something else': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: cow', AFTER_END),
  'chunked with a parameter': post('Transfer-Encoding: chunked;a=b', '0\r\n\r\n'),
  'chunked with a vertical tab': post('Transfer-Encoding: \u000bchunked', AFTER_END),
  'a space before the colon': post('Transfer-Encoding : chunked', AFTER_END),
  'a tab before the colon': post('Transfer-Encoding\t: chunked', AFTER_END),
  'a folded header': post('Transfer-Encoding:\r\n chunked', AFTER_END),
  'a bare LF in the head': `POST ${TARGET} HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{}${SMUGGLED}`,
  'a bare CR in the head': post('X-A: b\rTransfer-Encoding: chunked', AFTER_END),
  'a NUL in a header': post('X-A: b\u0000c\r\nContent-Length: 2', `{}${SMUGGLED}`),
  'a name with a space': post('X A: b\r\nContent-Length: 2', `{}${SMUGGLED}`),
  'a header without a name': post(': chunked\r\nContent-Length: 2', `{}${SMUGGLED}`),
  'chunked under HTTP/1.0': post('Transfer-Encoding: chunked', AFTER_END).replace('HTTP/1.1', 'HTTP/1.0'),
  'a chunk size that is none': post('Transfer-Encoding: chunked', `zz\r\n{}\r\n${AFTER_END}`),
  'a chunk size with a prefix': post('Transfer-Encoding: chunked', `0x2\r\n{}\r\n${AFTER_END}`),
  'a chunk size out of range': post('Transfer-Encoding: chunked', `fffffffffffffffff2\r\n{}\r\n${AFTER_END}`),
  'a chunk longer than it says': post('Transfer-Encoding: chunked', `1\r\n{}\r\n${AFTER_END}`),
  'a chunk that ends in a bare LF': post('Transfer-Encoding: chunked', `2\r\n{}\n${AFTER_END}`),
  'a chunk size that ends in a bare LF': post('Transfer-Encoding: chunked', `2\n{}\r\n${AFTER_END}`),
  'an extension with a bare LF': post('Transfer-Encoding: chunked', `2;a\nb\r\n{}\r\n${AFTER_END}`),
};

test.serial(
  'framing that two servers could read differently is refused, and nothing of it is sent',
  async (t) => {
    await allRefused(t, await startPair(t), AMBIGUOUS, /^400$/);
  },
);

const NOT_OURS: Readonly<Record<string, string>> = {
  'a path with a space': get('/cgi-bin/user/info?openid=a b'),
  'a query that is no ASCII': get(`${INFO}&name=\u00e4\u00bd\u00a0`),
  'a fragment': get(`${INFO}#x`),
  'an asterisk': get('*').replace('GET', 'OPTIONS'),
  'a bare authority': get('localhost:3880'),
  'another scheme': get('ftp://localhost/x'),
  'no host': get(INFO, 'X-A: b'),
  'two hosts': get(INFO, 'Host: localhost\r\nHost: evil.example'),
  'a websocket': get(INFO, 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket'),
  'an upgrade of another kind': get(INFO, 'Host: localhost\r\nUpgrade: foo, h2c'),
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': `GET ${INFO}\r\n\r\n`,
  'a method that is none': get(INFO).replace('GET', 'G(T'),
  'a broken escape in the path': get('/cgi-bin/%zz'),
  CONNECT: 'CONNECT api.weixin.qq.com:443 HTTP/1.1\r\nHost: api.weixin.qq.com:443\r\n\r\n',
  'a head without end': get(INFO, `Host: localhost\r\nX-A: ${'a'.repeat(80_000)}`),
  'a TLS greeting': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
};

test.serial('a malformed call is refused', async (t) => {
  const pair = await startPair(t);
  await allRefused(t, pair, NOT_OURS, /^400$/);
});

const OTHER_HOSTS = [
  'evil.example',
  'localhost.evil.example',
  'evil-localhost',
  '127.0.0.1.evil.example',
  'api.weixin.qq.com.evil.example',
  'evil.example:80',
  'evil.example@localhost',
  'weixin.qq.com',
  'api.mch.weixin.qq.com',
  '169.254.169.254',
  'localhost, evil.example',
  '',
];

test.serial('other hosts are refused, by name and in absolute form', async (t) => {
  const pair = await startPair(t);
  const byName = OTHER_HOSTS.map((host) => [`Host: ${host}`, get(INFO, `Host: ${host}`)]);
  await allRefused(t, pair, Object.fromEntries(byName), /^421$/);
  const absolute = OTHER_HOSTS.filter((host) => !host.includes(' ')).flatMap((host) =>
    ['http', 'https'].map((scheme) => [`${scheme}://${host}`, get(`${scheme}://${host}${INFO}`)]),
  );
  await allRefused(t, pair, Object.fromEntries(absolute), /^(?:421|400)$/);
});

test.serial('a web page cannot use the sidecar', async (t) => {
  const origins = [
    'https://evil.example',
    'null',
    'file://',
    'http://localhost.evil.example',
    'chrome-extension://a',
    'http://localhost:8080',
    'http://127.0.0.1',
  ];
  const shapes = Object.fromEntries([
    ...origins.map((origin) => [origin, get(INFO, `Host: localhost\r\nOrigin: ${origin}`)]),
    ['cross-site', get(INFO, 'Host: localhost\r\nSec-Fetch-Site: cross-site')],
    ['same-site', get(INFO, 'Host: localhost\r\nSec-Fetch-Site: same-site')],
    ['a Referer alone', get(INFO, 'Host: localhost\r\nReferer: https://evil.example/')],
    ['two origins', get(INFO, 'Host: localhost\r\nOrigin: http://localhost\r\nOrigin: https://evil.example')],
  ]) as Record<string, string>;
  await allRefused(t, await startPair(t), shapes, /^403$/);
});

test.serial('denied paths are denied in every encoding', async (t) => {
  const pair = await startPair(t, { env: { WECHAT_SIDECAR_DENY_PATHS: '/cgi-bin/clear_quota*' } });
  const spellings = [
    '/cgi-bin/clear_quota',
    '/cgi-bin/clear_quota/v2',
    '//cgi-bin/clear_quota',
    '/cgi-bin//clear_quota',
    '/cgi-bin/%63lear_quota',
    '/cgi-bin%2fclear_quota',
    '/cgi-bin/%2563lear_quota',
    '/cgi-bin/./clear_quota',
    '/cgi-bin/x/../clear_quota',
    '/cgi-bin/x/%2e%2e/clear_quota',
    '/cgi-bin\\clear_quota',
    '/cgi-bin/x/..;/clear_quota',
    '/cgi-bin/x/..;a=b/clear_quota',
    '/cgi-bin/.;/clear_quota',
    '/x/%2e%2e%3b/cgi-bin/clear_quota',
    '/cgi-bin/Clear_quota/',
    '/cgi-bin/clear_quota%00.png',
    '/cgi-bin%c0%afclear_quota',
    'https://api.weixin.qq.com/cgi-bin/clear_quota',
  ];
  const shapes = Object.fromEntries(spellings.map((target) => [target, get(`${target}?appid=wx0`)]));
  await allRefused(t, pair, shapes, /^403$/);
});

test.serial('an odd encoding never sends out a stand-in, or a token where it does not belong', async (t) => {
  const pair = await startPair(t);
  const standIn = await pair.sidecar.standIn();
  const token = await exchangeRaw(pair.sidecar, get(`/cgi-bin/x/..;/token?appid=${APPID}&secret=s`));
  t.true(token.includes(standIn));
  t.is(pair.control.arrivals().length, 0);
  const shapes = Object.fromEntries(
    ['/wxa/..;/sns/userinfo', '/sns/%2e%2e/cgi-bin/user/info', '/cgi-bin/component/..;/x'].map((path) => [
      path,
      get(`${path}?access_token=${standIn}`),
    ]),
  );
  await allRefused(t, pair, shapes, /^400$/);
  pair.control.clear();
  await exchangeRaw(pair.sidecar, get(`/sns/jscode2session;x=1?js_code=c&access_token=${standIn}`));
  const [arrival] = pair.control.arrivals();
  t.regex(arrival?.url ?? '', /^\/sns\/jscode2session\?js_code=c&appid=\w+&secret=[^&]+$/);
});

test.serial('unusual but legitimate calls are served', async (t) => {
  const { sidecar, control } = await startPair(t);
  const shapes: Record<string, string> = {
    'a name of this machine': get(INFO, 'Host: LOCALHOST:1234'),
    'an address of this machine': get(INFO, 'Host: [::1]:3880'),
    'the name of the platform': get(INFO, 'Host: api2.weixin.qq.com'),
    'absolute form, as behind HTTP_PROXY': get(`https://api.weixin.qq.com${INFO}`, 'Host: api.weixin.qq.com'),
    'absolute form, in capitals': get(`HTTP://API.WEIXIN.QQ.COM:80${INFO}`),
    'HTTP/1.0 without a host': `GET ${INFO} HTTP/1.0\r\n\r\n`,
    'an offer of HTTP/2, declined': get(
      INFO,
      'Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
    ),
    'a page that came from here': get(INFO, 'Host: localhost\r\nOrigin: http://localhost'),
    'a mini-program': get(
      INFO,
      'Host: localhost\r\nReferer: https://servicewechat.com/wx0/1/page-frame.html',
    ),
    'two slashes': get(`/${INFO}`),
    'a tab for a space, and capitals': post(
      'TRANSFER-ENCODING:\tChunked',
      '2;ext=1\r\n{}\r\n0\r\nX-T: 1\r\n\r\n',
    ),
  };
  for (const [name, bytes] of Object.entries(shapes)) {
    control.clear();
    const received = await exchangeRaw(sidecar, bytes);
    t.deepEqual(statusesOf(received), ['200'], `${name}: ${received}`);
    const [arrival, ...more] = control.arrivals();
    t.is(more.length, 0, name);
    t.regex(arrival?.url ?? '', /^\/cgi-bin\/.*access_token=/, name);
    const names = (arrival?.rawHeaders ?? []).filter((_, i) => i % 2 === 0).map((it) => it.toLowerCase());
    for (const hop of ['upgrade', 'http2-settings', 'transfer-encoding', 'x-t']) t.false(names.includes(hop));
    t.is(names.filter((it) => it === 'host').length, 1);
  }
});

test.serial('headers that a caller lists in Connection do not affect the framing', async (t) => {
  const { sidecar, control } = await startPair(t);
  const headers = 'Connection: close, content-length, host, x-secretly\r\nX-Secretly: 1\r\nContent-Length: 2';
  t.deepEqual(statusesOf(await exchangeRaw(sidecar, post(headers, '{}'))), ['200']);
  const [arrival] = control.arrivals();
  t.is(arrival?.body?.text, '{}');
  t.false(arrival?.rawHeaders.includes('X-Secretly'));
});

test.serial('odd characters and encodings of a query arrive unchanged, injected or passed on', async (t) => {
  const { sidecar, control } = await startPair(t);
  const query = '&name=%e4%BD%A0+%20&pipe=|"<>\\^`{}&&=&a=?/;:@&a';
  for (const token of ['', '&access_token=somebody-elses-token-of-some-length']) {
    control.clear();
    t.deepEqual(statusesOf(await exchangeRaw(sidecar, get(INFO + query + token))), ['200']);
    const [arrival] = control.arrivals();
    t.true(arrival?.url.startsWith(`${INFO}${query}&access_token=`), arrival?.url);
  }
});

test.serial('pipelined calls are answered in order', async (t) => {
  const { sidecar, control } = await startPair(t);
  control.delay({ path: TARGET, ms: 300 });
  const calls = [
    post('Content-Length: 2', '{}'),
    `GET /cgi-bin/user/info?openid=oSecond1 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET /cgi-bin/token?appid=none HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    get('/cgi-bin/user/info?openid=oFourth1'),
  ];
  const received = await exchangeRaw(sidecar, calls.join(''));
  t.deepEqual(statusesOf(received), ['200', '200', '200', '200']);
  t.regex(received, /"errcode":0[^]*oSecond1[^]*40013[^]*oFourth1/);
});

test.serial('a malformed call behind a good one is refused without disturbing the first', async (t) => {
  const { sidecar, control } = await startPair(t);
  control.delay({ path: TARGET, ms: 300 });
  const received = await exchangeRaw(sidecar, `${post('Content-Length: 2', '{}')}NONSENSE\r\n\r\n`);
  t.regex(received, /^HTTP\/1\.1 200 [^]*"errcode":0/);
  t.is(control.arrivals().length, 1);
});
