import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { RequestListener, ServerResponse } from 'node:http';
import test from 'ava';
import { errorResponse } from '../../src/proxy/errors.ts';
import { ListenError } from '../../src/server/listen-error.ts';
import { HEADERS_MAX } from '../../src/server/plain-fields.ts';
import { startListener as start } from '../support/listener.ts';
import { rawCall, rawConnection } from '../support/raw-call.ts';

const hello: RequestListener = (request, response) => {
  request.resume();
  response.end(`hello ${request.url}`);
};

/** Whether this machine has ::1 at all. */
async function hasIpv6Loopback(): Promise<boolean> {
  const probe = createServer();
  probe.listen(0, '::1');
  const [outcome] = await Promise.race([once(probe, 'listening').then(() => ['yes']), once(probe, 'error')]);
  probe.close();
  return outcome === 'yes';
}

test('localhost means 127.0.0.1 and ::1, on one port', async (t) => {
  const listener = await start(t, hello, { host: 'localhost' });
  t.is(listener.addresses[0], `127.0.0.1:${listener.port}`);
  t.regex(await rawCall(listener.port, 'GET /4 HTTP/1.0\r\n\r\n'), /hello \/4$/);
  if (await hasIpv6Loopback()) {
    t.is(listener.addresses[1], `[::1]:${listener.port}`);
    t.regex(await rawCall(listener.port, 'GET /6 HTTP/1.0\r\n\r\n', '::1'), /hello \/6$/);
  } else {
    t.is(listener.addresses.length, 1);
  }
});

test('[::] means every address of both families, and callers are seen with their own addresses', async (t) => {
  const peers: (string | undefined)[] = [];
  const handler: RequestListener = (request, response) => {
    peers.push(request.socket.remoteAddress);
    hello(request, response);
  };
  const listener = await start(t, handler, { host: '::' });
  t.regex(await rawCall(listener.port, 'GET /4 HTTP/1.0\r\n\r\n'), /hello \/4$/);
  if (await hasIpv6Loopback()) {
    t.deepEqual(listener.addresses, [`0.0.0.0:${listener.port}`, `[::]:${listener.port}`]);
    t.regex(await rawCall(listener.port, 'GET /6 HTTP/1.0\r\n\r\n', '::1'), /hello \/6$/);
    t.deepEqual(peers, ['127.0.0.1', '::1']);
  } else {
    t.deepEqual(listener.addresses, [`0.0.0.0:${listener.port}`]);
  }
});

test('a port in use is reported with the setting to change', async (t) => {
  const first = await start(t, hello);
  const error = await t.throwsAsync(start(t, hello, { port: first.port }), { instanceOf: ListenError });
  t.is(error?.code, 'EADDRINUSE');
  t.is(
    error?.message,
    `Cannot listen on 127.0.0.1:${first.port}: another program already uses this port. ` +
      'Stop it, or choose another port in WECHAT_SIDECAR_LISTEN (listen).',
  );
});

test('if only ::1 is in use, localhost fails completely and leaves nothing open', async (t) => {
  if (!(await hasIpv6Loopback())) {
    t.pass('This machine has no ::1.');
    return;
  }
  const other = createServer();
  other.listen(0, '::1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const error = await t.throwsAsync(start(t, hello, { host: 'localhost', port }), {
    instanceOf: ListenError,
  });
  t.regex(error?.message ?? '', /^Cannot listen on \[::1\]:\d+: another program/);
  const again = createServer();
  again.listen(port, '127.0.0.1');
  await once(again, 'listening');
  again.close();
});

test('an address that this machine does not have is reported with the setting to change', async (t) => {
  const error = await t.throwsAsync(start(t, hello, { host: '192.0.2.1' }), { instanceOf: ListenError });
  t.is(error?.code, 'EADDRNOTAVAIL');
  t.regex(error?.message ?? '', /192\.0\.2\.1.*WECHAT_SIDECAR_LISTEN \(listen\)/);
});

test('a long URL is served, and a head over 64 KiB is refused with 431', async (t) => {
  const { port } = await start(t, (request, response) => response.end(String(request.url?.length)));
  const long = await rawCall(
    port,
    `GET /${'a'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  t.regex(long, /^HTTP\/1\.1 200 [^]*60001/);
  const tooLong = await rawCall(port, `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  t.regex(tooLong, /^HTTP\/1\.1 431 [^]*too long/);
});

test('no header is dropped silently: too many of them are refused with 431', async (t) => {
  const { port } = await start(t, (request, response) => response.end(request.headers['x-last']));
  const many = (count: number): string => Array.from({ length: count }, (_, n) => `x-${n}: 1\r\n`).join('');
  const answer = await rawCall(
    port,
    `GET / HTTP/1.0\r\nHost: x\r\n${many(HEADERS_MAX - 3)}x-last: kept\r\n\r\n`,
  );
  t.regex(answer, /kept$/);
  for (const count of [HEADERS_MAX - 2, 5_000]) {
    const refused = await rawCall(port, `GET / HTTP/1.1\r\nHost: x\r\n${many(count)}x-last: lost\r\n\r\n`);
    t.regex(refused, /^HTTP\/1\.1 431 /);
  }
});

for (const [name, bytes] of [
  ['a line that is not HTTP', 'hello there\r\n\r\n'],
  ['two different lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  [
    'a length beside chunked',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: x\r\n\ty\r\nA: b\r\n c\r\n\r\n'],
  ['a bare line feed in a header', 'GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n'],
] as const) {
  test(`broken framing is refused before any handler sees it: ${name}`, async (t) => {
    let handled = 0;
    const { port } = await start(t, (_request, response) => {
      handled += 1;
      response.end();
    });
    const answer = await rawCall(port, bytes);
    t.regex(answer, /^HTTP\/1\.1 400 [^]*connection: close/i);
    t.is(handled, 0);
  });
}

test('each role writes its own refusals', async (t) => {
  const { port } = await start(t, hello, {
    refuse: ({ kind, message }) => errorResponse('bad_request', `${kind}: ${message}`, 'wechat'),
  });
  const asked = {
    malformed: 'nonsense\r\n\r\n',
    connect: 'CONNECT api.weixin.qq.com:443 HTTP/1.1\r\nHost: api.weixin.qq.com:443\r\n\r\n',
    missing_host: 'GET / HTTP/1.1\r\n\r\n',
  };
  for (const [kind, bytes] of Object.entries(asked)) {
    const answer = await rawCall(port, bytes);
    t.regex(answer, /^HTTP\/1\.1 400 [^]*x-wechat-sidecar-error: bad_request/, kind);
    t.true(answer.includes(`{"errcode":-3,"errmsg":"wechat-sidecar: ${kind}: `), answer);
  }
});

test('CONNECT is refused, and the tunnelled bytes are dropped', async (t) => {
  let handled = 0;
  const { port } = await start(t, () => void (handled += 1));
  const answer = await rawCall(
    port,
    'CONNECT api.weixin.qq.com:443 HTTP/1.1\r\nHost: api.weixin.qq.com:443\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
  );
  t.regex(answer, /^HTTP\/1\.1 405 /);
  t.is(answer.match(/HTTP\/1\.1 \d/g)?.length, 1);
  t.is(handled, 0);
});

test('a caller that pipelines garbage after a request gets only the response to the request', async (t) => {
  let arrived: (response: ServerResponse) => void = () => undefined;
  const response = new Promise<ServerResponse>((resolve) => (arrived = resolve));
  const { port } = await start(t, (_request, begun) => arrived(begun));
  const caller = await rawConnection(port);
  caller.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n');
  const begun = await response;
  // The garbage came with the request, so it has been read when the handler's turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  begun.end('the first answer');
  t.regex(await caller.untilClosed(), /^HTTP\/1\.1 200 [^]*the first answer$/);
});

test('a body that turns into garbage is refused once, and the handler learns of it', async (t) => {
  let failed: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => (failed = resolve));
  const { port } = await start(t, (request) => {
    request.on('error', () => failed());
    request.resume();
  });
  const answer = await rawCall(
    port,
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnot a size\r\n',
  );
  t.regex(answer, /^HTTP\/1\.1 400 /);
  t.is(answer.match(/HTTP\/1\.1 \d/g)?.length, 1);
  await aborted;
});

test('a handler can decide about Expect: 100-continue before the body is requested', async (t) => {
  const { port } = await start(t, hello, {
    onExpectContinue: (_request, response) => {
      response.statusCode = 413;
      response.shouldKeepAlive = false;
      response.end('too large');
    },
  });
  const answer = await rawCall(
    port,
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\nExpect: 100-continue\r\n\r\n',
  );
  t.regex(answer, /^HTTP\/1\.1 413 /);
});

test('half a head is answered with 408 and closed', async (t) => {
  const { port } = await start(t, hello, { limits: { headersTimeoutMs: 200, checkIntervalMs: 50 } });
  t.regex(await rawCall(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '), /^HTTP\/1\.1 408 /);
});

test('a connection with too many requests at once is closed', async (t) => {
  const { port } = await start(t, () => undefined, { limits: { pipelinedMax: 4 } });
  const ask = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  const within = await rawConnection(port);
  within.socket.write(ask.repeat(4));
  t.is(await rawCall(port, ask.repeat(5)), '');
  t.false(within.socket.closed);
  within.socket.destroy();
});

test('a connection whose response is not read is closed after a while', async (t) => {
  let closed: () => void = () => undefined;
  const given = new Promise<void>((resolve) => (closed = resolve));
  const { port } = await start(
    t,
    (_request, response) => {
      response.once('close', closed);
      response.end(Buffer.alloc(64 * 1024 * 1024));
    },
    { limits: { stalledTimeoutMs: 200 } },
  );
  const unread = await rawConnection(port);
  unread.socket.pause();
  unread.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await given;
  // It is told of the end only once it reads on.
  unread.socket.resume();
  t.true((await unread.untilClosed()).length < 64 * 1024 * 1024);
});

test('a slow body is accepted while it makes progress, and refused once it stalls', async (t) => {
  const echo: RequestListener = (request, response) => {
    request.on('data', () => {});
    request.on('end', () => response.end('whole'));
  };
  const limits = {
    headersTimeoutMs: 1_000,
    requestTimeoutMs: 1_000,
    checkIntervalMs: 100,
    bodyPauseMs: 1_500,
  };
  const listener = await start(t, echo, { limits });
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 20\r\n\r\n';
  const still = await rawConnection(listener.port);
  still.socket.write(`${head}x`);
  const moving = await rawConnection(listener.port);
  moving.socket.write(head);
  for (let sent = 0; sent < 20; sent += 1) {
    moving.socket.write('x');
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  t.regex(await moving.untilClosed(), /^HTTP\/1\.1 200 [^]*whole/);
  t.regex(await still.untilClosed(), /^HTTP\/1\.1 408 /);
});
