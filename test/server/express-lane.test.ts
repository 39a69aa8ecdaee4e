import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { ManualClock } from '../support/manual-clock.ts';
import { rawCall, rawConnection } from '../support/raw-call.ts';
import { LATER, NEVER, NOW, startLanes } from '../support/two-lanes.ts';

const HOST = 'Host: localhost\r\n';
const get = (url: string, more = ''): string => `GET ${url} HTTP/1.1\r\n${HOST}${more}\r\n`;
const post = (url: string, body: string): string =>
  `POST ${url} HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;
const CLOSE = 'Connection: close\r\n';

test('plain requests stay in the express lane, one after the other on one connection', async (t) => {
  const { listener, seen } = await startLanes(t, true);
  const caller = await rawConnection(listener.port);
  for (const url of ['/1', '/2', '/3']) {
    caller.socket.write(post(url, `body of ${url}`));
    await caller.untilReceived(`express ${url}\n`);
  }
  caller.socket.write(get('/4', CLOSE));
  const answer = await caller.untilClosed();
  t.deepEqual(
    answer.match(/^HTTP.*|^(?:express|general).*/gm),
    ['/1', '/2', '/3', '/4'].flatMap((url) => ['HTTP/1.1 200 OK', `express ${url}`]),
  );
  t.regex(answer, /Date: [^\r]+ GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\nexpress \/1/);
  t.regex(answer, /Connection: close\r\n\r\nexpress \/4\n$/);
  t.deepEqual(
    seen.map(({ body }) => body),
    ['body of /1', 'body of /2', 'body of /3', ''],
  );
});

test('a request that is not plain goes to the general lane with all that follows it, and no response is lost', async (t) => {
  const { listener } = await startLanes(t, true);
  const caller = await rawConnection(listener.port);
  caller.socket.write(get('/1'));
  await caller.untilReceived('express /1\n');
  caller.socket.write(`PUT /2 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nxx${get('/3')}${get('/4', CLOSE)}`);
  const answer = await caller.untilClosed();
  t.deepEqual(answer.match(/^(?:express|general).*/gm), [
    'express /1',
    'general /2',
    'general /3',
    'general /4',
  ]);
});

test('pipelined requests are answered in order, however they are split', async (t) => {
  const { listener } = await startLanes(t, true);
  const whole = [get(`${LATER}/1`), post('/2', 'two'), get('/3'), get('/4', CLOSE)].join('');
  for (let cut = 1; cut < whole.length; cut += 7) {
    const caller = await rawConnection(listener.port);
    caller.socket.write(whole.slice(0, cut));
    await pause(1);
    caller.socket.write(whole.slice(cut));
    const answer = await caller.untilClosed();
    t.deepEqual(
      answer.match(/^(?:express|general).*/gm)?.map((line) => line.split(' ')[1]),
      [`${LATER}/1`, '/2', '/3', '/4'],
      `cut at ${cut}`,
    );
  }
});

test('requests that arrive behind another one, with the end of the connection, are answered too', async (t) => {
  for (const more of [[get('/2'), get('/3')], ['DELETE /2 HTTP/1.1\r\nHost: localhost\r\n\r\n']]) {
    const { listener } = await startLanes(t, true);
    const caller = await rawConnection(listener.port);
    caller.socket.write(get(`${LATER}/1`));
    await pause(5);
    caller.socket.end(more.join(''));
    const answer = await caller.untilClosed();
    t.deepEqual(
      answer.match(/^(?:express|general).*/gm)?.map((line) => line.split(' ')[1]),
      [`${LATER}/1`, '/2', '/3'].slice(0, 1 + more.length),
    );
  }
});

test('a request that is not complete immediately is handed to the general lane', async (t) => {
  const clock = new ManualClock();
  const { listener } = await startLanes(t, true, { clock });
  const caller = await rawConnection(listener.port);
  caller.socket.write(get('/1') + post('/slow', 'hello').slice(0, -3));
  await caller.untilReceived('/1\n');
  const another = await rawConnection(listener.port);
  another.socket.write(post('/slow', 'hello').slice(0, -3));
  // What was sent first is read first.
  const third = await rawConnection(listener.port);
  third.socket.write(get('/3'));
  await third.untilReceived('express /3\n');
  clock.advance(100);
  clock.advance(100);
  another.socket.write('llo');
  await another.untilReceived('general /slow\n');
  // That way is one way.
  another.socket.write(get('/next'));
  await another.untilReceived('general /next\n');
  for (const { socket } of [caller, another, third]) socket.destroy();
  t.pass();
});

test('a caller that writes head and body one after the other stays in the express lane', async (t) => {
  const { listener } = await startLanes(t, true);
  const caller = await rawConnection(listener.port);
  for (let time = 0; time < 8; time++) {
    const text = post(`/${time}`, 'hello');
    caller.socket.write(text.slice(0, -5));
    await pause(2);
    caller.socket.write('hello');
    await caller.untilReceived(`express /${time}\n`);
  }
  caller.socket.destroy();
  t.pass();
});

test('a connection whose request came in two pieces stays where its next request is in flight', async (t) => {
  const clock = new ManualClock();
  const { listener } = await startLanes(t, true, { clock });
  const caller = await rawConnection(listener.port);
  const text = post(`${NOW}/1`, 'hello');
  caller.socket.write(text.slice(0, -5));
  const other = await rawConnection(listener.port);
  other.socket.write(get(`${NOW}/other`));
  await other.untilReceived(`express ${NOW}/other\n`);
  caller.socket.write('hello');
  await caller.untilReceived(`express ${NOW}/1\n`);
  caller.socket.write(get(`${LATER}/2`));
  while (listener.inFlight() === 0) await pause(1);
  clock.advance(100);
  clock.advance(100);
  caller.socket.write(get(`${NOW}/3`));
  const answers = await caller.untilReceived(`${NOW}/3\n`);
  t.deepEqual(answers.match(/^(?:express|general).*/gm), [
    `express ${NOW}/1`,
    `express ${LATER}/2`,
    `express ${NOW}/3`,
  ]);
  t.is(listener.inFlight(), 0);
  for (const { socket } of [caller, other]) socket.destroy();
});

const SHORT = { headersTimeoutMs: 300, keepAliveTimeoutMs: 300, checkIntervalMs: 50 };

test('a connection that sends nothing is refused after the time limit for a head', async (t) => {
  const { listener } = await startLanes(t, true, { limits: SHORT });
  const caller = await rawConnection(listener.port);
  t.regex(await caller.untilClosed(), /^HTTP\/1\.1 408 /);
});

test('a connection without a further request is closed after the idle time', async (t) => {
  const { listener } = await startLanes(t, true, { limits: SHORT });
  const caller = await rawConnection(listener.port);
  caller.socket.write(get('/1'));
  t.regex(await caller.untilClosed(), /express \/1\n$/);
});

test('a caller that still reads its last response is not idle', async (t) => {
  const idleMs = 2_000;
  const piece = Buffer.alloc(64 * 1_024, 'x');
  const bytes = 400 * piece.length;
  let isEnded = false;
  const { listener } = await startLanes(t, true, {
    limits: { ...SHORT, keepAliveTimeoutMs: idleMs },
    express: (exchange) => {
      exchange.begin();
      exchange.response.writeHead(200, 'OK', ['Content-Length', String(bytes)]);
      for (let left = bytes; left > 0; left -= piece.length) exchange.response.write(piece);
      exchange.response.end();
      exchange.over();
      isEnded = true;
      return true;
    },
  });
  const caller = await rawConnection(listener.port);
  caller.socket.pause();
  caller.socket.write(get('/1'));
  while (!isEnded) await pause(5);
  // The idle time is over before the response is read.
  for (let read = 0; read < bytes / 2;) {
    await pause(idleMs / 4);
    caller.socket.resume();
    const until = read + bytes / 12;
    while (read < until) read += ((await once(caller.socket, 'data')) as [Buffer])[0].length;
    caller.socket.pause();
  }
  caller.socket.resume();
  const answer = await caller.untilClosed();
  t.is(answer.length - answer.indexOf('\r\n\r\n') - 4, bytes);
});

test('a caller that does not read its last response at all is closed after the idle time', async (t) => {
  const body = Buffer.alloc(24 * 1_024 * 1_024, 'x');
  let closed: Promise<unknown> | undefined;
  const { listener } = await startLanes(t, true, {
    limits: SHORT,
    express: (exchange) => {
      exchange.begin();
      exchange.response.writeHead(200, 'OK', ['Content-Length', String(body.length)]);
      exchange.response.end(body);
      exchange.over();
      closed = once(exchange.socket, 'close');
      return true;
    },
  });
  const caller = await rawConnection(listener.port);
  caller.socket.pause();
  caller.socket.write(get('/1'));
  while (closed === undefined) await pause(5);
  await closed;
  caller.socket.resume();
  t.true((await caller.untilClosed()).length < body.length);
});

test('after it was handed over, a connection has the limits of the general lane', async (t) => {
  const { listener } = await startLanes(t, true, { limits: SHORT });
  const caller = await rawConnection(listener.port);
  caller.socket.write(get('/general/1'));
  await caller.untilReceived('general /general/1\n');
  caller.socket.write('GET /slow HTTP/1.1\r\n');
  t.regex(await caller.untilClosed(), /general \/general\/1\n(?:HTTP\/1\.1 408 |$)/);
});

test('a stop answers requests in flight with Connection: close, and closes idle connections', async (t) => {
  const { listener } = await startLanes(t, true);
  const idle = await rawConnection(listener.port);
  idle.socket.write(get('/idle'));
  await idle.untilReceived('express /idle\n');
  const busy = await rawConnection(listener.port);
  busy.socket.write(get(`${LATER}/busy`));
  while (listener.inFlight() === 0) await pause(1);
  const drained = listener.drain({ delayMs: 0, timeoutMs: 5_000 });
  t.regex(await busy.untilClosed(), /Connection: close\r\n\r\nexpress \/later\/busy\n$/);
  await idle.untilClosed();
  t.deepEqual(await drained, { cut: 0 });
  t.is(listener.inFlight(), 0);
});

test('a stop cuts requests that are not answered in time', async (t) => {
  const { listener } = await startLanes(t, true);
  const busy = await rawConnection(listener.port);
  busy.socket.write(get(`${NEVER}/busy`));
  while (listener.inFlight() === 0) await pause(1);
  t.deepEqual(await listener.drain({ delayMs: 0, timeoutMs: 1 }), { cut: 1 });
  t.is(await busy.untilClosed(), '');
});

test('a caller that half-closes after its request gets its response', async (t) => {
  const body = Buffer.from('half');
  const { listener } = await startLanes(t, true, {
    express: (exchange) => {
      exchange.begin();
      const answer = (): void => {
        // Only then does the lane know that no further request comes.
        if (!exchange.socket.readableEnded) {
          setImmediate(answer);
          return;
        }
        exchange.response.writeHead(200, 'OK', ['Content-Length', String(body.length)]);
        exchange.response.end(body);
        exchange.over();
      };
      answer();
      return true;
    },
  });
  const caller = await rawConnection(listener.port);
  caller.socket.end(get('/half'));
  t.regex(await caller.untilClosed(), /Connection: close\r\n\r\nhalf$/);
});

test('a caller that half-closes within a request gets an error that says so', async (t) => {
  const { listener } = await startLanes(t, true);
  const caller = await rawConnection(listener.port);
  caller.socket.end(post('/half', 'hello').slice(0, -2));
  t.regex(await caller.untilClosed(), /^HTTP\/1\.1 400 /);
});

test('TLS and nonsense are answered as without the express lane', async (t) => {
  const [with_, without] = [await startLanes(t, true), await startLanes(t, false)];
  for (const bytes of [
    '\x16\x03\x01\x02\x00\x01\x00',
    'NONSENSE\r\n\r\n',
    '\0\0\0\0',
    'GET / HTTP/9.9\r\n\r\n',
  ]) {
    const calls = [with_, without].map(({ listener }) =>
      rawCall(listener.port, Buffer.from(bytes, 'latin1')),
    );
    const [one, other] = await Promise.all(calls);
    t.is(one, other, JSON.stringify(bytes));
  }
});

test('a caller that does not read for a while gets each response as it was, whatever others get meanwhile', async (t) => {
  const { listener, seen } = await startLanes(t, true);
  const [slow, other] = [await rawConnection(listener.port), await rawConnection(listener.port)];
  const urls = Array.from({ length: 6_000 }, (_, at) => `/${at}/${'s'.repeat(3_000)}`);
  slow.socket.pause();
  // 18 MB are more than the system keeps for a connection.
  for (const [at, url] of urls.entries()) {
    const before = seen.length;
    slow.socket.write(get(url, at === urls.length - 1 ? CLOSE : ''));
    while (seen.length === before) await new Promise(setImmediate);
    if (at % 100 > 0) continue;
    const another = `/other${url.replaceAll('s', 'o').slice(6)}`;
    other.socket.write(get(another));
    await other.untilReceived(`express ${another}\n`);
  }
  slow.socket.resume();
  const answers = (await slow.untilClosed()).match(/^express .*/gm) ?? [];
  t.deepEqual(
    answers.map((answer) => urls.indexOf(answer.slice('express '.length))),
    [...urls.keys()],
  );
});
