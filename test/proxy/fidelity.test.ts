import { gzipSync } from 'node:zlib';
import test from 'ava';
import { startTestProxy } from '../support/proxy.ts';
import { rawCall, rawConnection } from '../support/raw-call.ts';
import { json, OK, startScriptedUpstream } from '../support/scripted-upstream.ts';

test('query, headers and body are sent as the caller wrote them, with the token at the end', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const body = '{"a":1,\n "id":12345678901234567890}';
  await rawCall(
    proxy.port,
    `POST /wxa/x?b=%7e&a=1%2B1&&c;d=%E4%BD%A0|{"x"} HTTP/1.1\r\nHost: localhost\r\nX-ODD-case: One\r\n` +
      `x-dup: 1\r\nX-Dup: 2\r\nWechatmp-Thing: v \r\nConnection: close, X-Hop\r\nX-Hop: gone\r\nTE: trailers\r\n` +
      `x-wechat-appid: wx000000000000de30\r\nContent-Type: a/b\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const [request] = upstream.requests;
  const [line, ...headers] = (request?.head ?? '').split('\r\n');
  t.is(line, 'POST /wxa/x?b=%7e&a=1%2B1&&c;d=%E4%BD%A0|{"x"}&access_token=scripted_token_1 HTTP/1.1');
  t.is(request?.body.toString(), body);
  t.deepEqual(
    headers.filter((header) => /^(x-|wechatmp|content-type|te:)/i.test(header)),
    ['X-ODD-case: One', 'x-dup: 1', 'X-Dup: 2', 'Wechatmp-Thing: v', 'Content-Type: a/b'],
  );
  t.true(headers.includes('accept-encoding: identity'));
  t.true(headers.includes(`host: ${new URL(upstream.origin).host}`));
});

test('a response is returned as the platform wrote it, including duplicate headers and unusual case', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => {
    socket.write(
      'HTTP/1.1 200 Fine\r\nX-oDD: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nh\xe9llo',
      'latin1',
    );
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  const answer = await rawCall(
    proxy.port,
    'GET /wxa/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  t.regex(answer, /^HTTP\/1\.1 200 Fine\r\n/);
  t.regex(answer, /\r\nX-oDD: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/);
  t.regex(answer, /\r\nx-wechat-sidecar: 0\.0\.0-test; app=wx000000000000de30; replay=0\r\n/);
  t.notRegex(answer, /X-Hop/i);
  t.regex(answer, /\r\n\r\nh\xe9llo$/);
});

test('HEAD, 204 and 304 have no body and keep their headers', async (t) => {
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    if (head.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 999\r\nETag: "x"\r\n\r\n');
    else if (head.includes('/204')) socket.write('HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n');
    else socket.write('HTTP/1.1 304 Not Modified\r\nETag: "y"\r\n\r\n');
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  const call = (what: string): Promise<string> =>
    rawCall(proxy.port, `${what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  t.regex(
    await call('HEAD /wxa/x'),
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 999\r\nETag: "x"\r\n[^]*\r\n\r\n$/,
  );
  t.regex(await call('GET /wxa/204'), /^HTTP\/1\.1 204 No Content\r\nX-A: 1\r\n[^]*\r\n\r\n$/);
  t.regex(await call('GET /wxa/304'), /^HTTP\/1\.1 304 Not Modified\r\nETag: "y"\r\n[^]*\r\n\r\n$/);
});

test('a chunked body is sent with a Content-Length, and without its trailers and extensions', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const answer = await rawCall(
    proxy.port,
    'POST /wxa/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3;ext=1\r\nabc\r\n4\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n',
  );
  t.regex(answer, /"errmsg":"ok"\}$/);
  t.is(upstream.requests[0]?.body.toString(), 'abcdefg');
  t.notRegex(upstream.requests[0]?.head ?? '', /transfer-encoding|trailer|x-t/i);
});

test('a caller that waits for 100 Continue gets it, unless its call is refused', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(OK));
  const proxy = await startTestProxy(t, [upstream.origin]);
  const connection = await rawConnection(proxy.port);
  connection.socket.write(
    'POST /wxa/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
  );
  await connection.untilReceived('100 Continue');
  connection.socket.write('abc');
  t.regex(await connection.untilClosed(), /100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  t.is(upstream.requests[0]?.body.toString(), 'abc');
  t.notRegex(upstream.requests[0]?.head ?? '', /expect/i);

  const refused = await rawConnection(proxy.port);
  refused.socket.write(
    'POST /wxa/x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
  );
  t.regex(await refused.untilReceived('forbidden_host'), /^HTTP\/1\.1 421 /);
  refused.socket.destroy();
});

test('HTTP/1.0 callers get responses without chunks, and pipelined calls get theirs in order', async (t) => {
  const upstream = await startScriptedUpstream(t, async ({ head }, socket) => {
    const slow = head.includes('/slow');
    if (slow) await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const text = slow ? 'slow' : 'fast';
    socket.write(`4\r\n${text}\r\n0\r\n\r\n`);
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  const old = await rawCall(proxy.port, 'GET /wxa/fast HTTP/1.0\r\n\r\n');
  t.notRegex(old, /chunked/);
  t.regex(old, /\r\n\r\nfast$/);
  const both = await rawCall(
    proxy.port,
    'GET /wxa/slow HTTP/1.1\r\nHost: localhost\r\n\r\nGET /wxa/fast HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  t.true(both.indexOf('slow') < both.indexOf('fast'));
});

test('a redirect is passed back, and a multipart response is not judged', async (t) => {
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    if (head.includes('/moved'))
      socket.write('HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n');
    else {
      const body = '{"errcode":40001}';
      socket.write(`HTTP/1.1 206 Partial Content\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  const moved = await fetch(`${proxy.base}/wxa/moved`, { redirect: 'manual' });
  t.is(moved.status, 302);
  t.is(moved.headers.get('location'), 'http://elsewhere/');
  const part = await fetch(`${proxy.base}/wxa/part`);
  t.is(await part.text(), '{"errcode":40001}');
  t.is(upstream.requests.length, 2);
});

test('a caller gets a content coding only if it asked for one, and an encoded refusal is recognised', async (t) => {
  const refusal = gzipSync('{"errcode":40001,"errmsg":"invalid credential"}');
  const upstream = await startScriptedUpstream(t, ({ head }, socket) => {
    if (head.includes('get_api_domain_ip')) socket.write(json('{"errcode":40001}'));
    else if (head.includes('scripted_token_1 ')) {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${refusal.length}\r\n\r\n`);
      // Split, so that no single chunk is the whole.
      socket.write(refusal.subarray(0, 7));
      setTimeout(() => socket.write(refusal.subarray(7)), 20);
    } else socket.write(OK);
  });
  const proxy = await startTestProxy(t, [upstream.origin]);
  const answer = await rawCall(
    proxy.port,
    'GET /wxa/x HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, compress;q=0.5, br;q=1, zstd\r\nConnection: close\r\n\r\n',
  );
  t.regex(answer, /replay=1/);
  t.regex(answer, /"errmsg":"ok"\}$/);
  t.regex(upstream.requests[0]?.head ?? '', /\r\naccept-encoding: gzip, br;q=1(\r\n|$)/);
});
