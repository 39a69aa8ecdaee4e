import { spawn, spawnSync } from 'node:child_process';
import test from 'ava';
import { readNoProxy } from '../../src/upstream/no-proxy.ts';
import { startStubProxy } from '../support/forward-proxy.ts';

const API = 'api.weixin.qq.com';

/** A list, a host, and whether that host is reached directly. */
const AS_CURL: readonly (readonly [list: string, hostname: string, isDirect: boolean])[] = [
  ['', API, false],
  ['*', API, true],
  ['*', '10.1.2.3', true],
  ['*', '::1', true],
  [' * ', '::1', false],
  ['example.com,*', API, false],
  ['*.qq.com', API, false],
  [API, API, true],
  ['API.Weixin.QQ.com', API, true],
  [API, 'API.weixin.qq.COM', true],
  ['qq.com', API, true],
  ['.qq.com', API, true],
  ['.qq.com', 'qq.com', true],
  ['..qq.com', API, false],
  ['q.com', API, false],
  ['weixin.qq.com', 'notweixin.qq.com', false],
  [`x.${API}`, API, false],
  ['qq.com.', API, true],
  ['qq.com', `${API}.`, true],
  ['.', API, false],
  ['example.com,qq.com', API, true],
  ['example.com, qq.com', API, true],
  [',,example.com,,qq.com,', API, true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.30', false],
  ['1.2.3', '10.1.2.3', false],
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['10.1.2.0/30', '10.1.2.3', true],
  ['10.1.2.0/30', '10.1.2.4', false],
  ['10.1.2.3/32', '10.1.2.3', true],
  ['10.1.2.3/33', '10.1.2.3', false],
  ['10.0.0.0/8', API, false],
  ['10.0.0.0/8', 'x.10.0.0.1.example.com', false],
  ['fd12::1', 'fd12::1', true],
  ['fd12::1', 'fd12::2', false],
  ['10.0.0.0/8', 'fd12::1', false],
];

/** As the documentation of curl has it; releases before 8 do not take these for addresses. */
const OF_IPV6: typeof AS_CURL = [
  ['fd00::/8', 'fd12::1', true],
  ['fd00::/8', 'fe12::1', false],
  ['fd12:0::1', 'fd12::1', true],
];

test('the list is read as curl reads it: suffix, leading dot, range, and an asterisk', (t) => {
  for (const [list, hostname, isDirect] of [...AS_CURL, ...OF_IPV6]) {
    t.is(readNoProxy(list)(hostname, 443), isDirect, `${hostname} by ${JSON.stringify(list)}`);
  }
});

/** Without curl the table above is still ours. */
const curlTest = spawnSync('curl', ['--version']).error === undefined ? test : test.skip;

curlTest('curl itself comes to the same result, for every row of the table', async (t) => {
  const stub = await startStubProxy(t, (socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  for (const [list, hostname, isDirect] of AS_CURL) {
    const asked = stub.heads.length;
    const host = hostname.includes(':') ? `[${hostname}]` : hostname;
    // Whoever goes directly finds nobody at port 1 of this machine.
    const args = ['--silent', '--max-time', '10', '--connect-to', '::127.0.0.1:1', `https://${host}/`];
    const curl = spawn('curl', args, {
      env: { https_proxy: `http://127.0.0.1:${stub.port}`, no_proxy: list, PATH: process.env['PATH'] },
      stdio: 'ignore',
    });
    await new Promise((resolve) => curl.once('close', resolve));
    t.is(stub.heads.length === asked, isDirect, `${hostname} by ${JSON.stringify(list)}`);
  }
});

test('an entry may end with a port, which must match the port of the call', (t) => {
  for (const [list, hostname, port, isDirect] of [
    ['qq.com:443', API, 443, true],
    ['qq.com:8443', API, 443, false],
    ['.qq.com:8443', API, 8443, true],
    ['10.1.2.3:443', '10.1.2.3', 443, true],
    ['10.1.2.3:80', '10.1.2.3', 443, false],
    ['[fd12::1]:443', 'fd12::1', 443, true],
    ['[fd12::1]:80', 'fd12::1', 443, false],
    ['[fd12::1]', 'fd12::1', 443, true],
    ['qq.com:', API, 443, false],
  ] as const) {
    t.is(readNoProxy(list)(hostname, port), isDirect, `${hostname}:${port} by ${list}`);
  }
});
