import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { RID, startPlatform } from '../support/simulator-account.ts';
import { ask } from '../support/simulator-client.ts';

const PATH = '/cgi-bin/get_api_domain_ip';

/** Everything that comes back over one bare connection, and how the connection ended. */
function rawGet(t: { teardown(run: () => unknown): void }, port: number, path: string) {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return { ended, socket, parts, text: () => Buffer.concat(parts).toString() };
}

test('a path responds with the configured errcode, as often as configured', async (t) => {
  const { call, control } = await startPlatform(t);
  control.break({ path: '/cgi-bin/get_*', times: 2, fault: { kind: 'errcode', errcode: -1 } });
  t.regex(
    (await call(PATH)).body.toString(),
    new RegExp(`^{"errcode":-1,"errmsg":"system error rid: ${RID}"}$`),
  );
  t.is((await call(PATH)).json().errcode, -1);
  t.truthy((await call(PATH)).json().ip_list);
  t.is(control.counters().paths[PATH]?.calls, 3);
  t.deepEqual(control.counters().paths[PATH]?.errcodes, { '-1': 2 });
});

test('every error of the token endpoint can be produced with its text', async (t) => {
  const { classic, control } = await startPlatform(t);
  for (const errcode of [-1, 45009, 45011, 50004, 50007, 61024, 89501, 89503, 89506, 89507]) {
    control.break({ path: '/cgi-bin/token', times: 1, fault: { kind: 'errcode', errcode } });
    const answer = await classic();
    t.is(answer.errcode, errcode);
    t.notRegex(String(answer.errmsg), /^error /);
  }
  control.break({
    path: '/cgi-bin/token',
    fault: { kind: 'errcode', errcode: 40164, errmsg: 'invalid ip 1.2.3.4' },
  });
  t.regex(String((await classic()).errmsg), /^invalid ip 1\.2\.3\.4 rid: /);
  control.heal();
  t.truthy((await classic()).access_token);
});

test('gateways in front of the platform respond with a page, or with nothing', async (t) => {
  const { origin, control } = await startPlatform(t);
  control.break({ path: '*', times: 1, fault: { kind: 'status', status: 502 } });
  const page = await ask(`${origin}/x`);
  t.is(page.status, 502);
  t.is(page.headers['content-type'], 'text/html');
  t.regex(page.body.toString(), /^<html>/);
  control.break({ path: '*', times: 1, fault: { kind: 'status', status: 500, body: 'oops' } });
  t.is((await ask(`${origin}/x`)).body.toString(), 'oops');
  control.break({ path: '*', times: 1, fault: { kind: 'empty' } });
  const empty = await ask(`${origin}/x`);
  t.deepEqual([empty.status, empty.body.length], [200, 0]);
});

test('the connection can be reset instead of a response, and the call was not carried out', async (t) => {
  const { port, control } = await startPlatform(t);
  control.break({ path: '/cgi-bin/token', times: 1, fault: { kind: 'reset' } });
  const { ended, text } = rawGet(t, port, '/cgi-bin/token');
  t.is(await ended, 'ECONNRESET');
  t.is(text(), '');
  t.is(control.arrivals()[0]?.outcome, 'cut');
});

test('the connection can be reset after the headers', async (t) => {
  const { port, control } = await startPlatform(t);
  control.break({ path: '/x', times: 1, fault: { kind: 'resetAfterHeaders' } });
  const { ended, text } = rawGet(t, port, '/x');
  // Whether a reset that follows data is told as such, or as an end, is up to the system.
  t.regex(await ended, /^(ECONNRESET|closed)$/);
  t.is(control.arrivals()[0]?.outcome, 'cut');
  t.regex(text(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
});

test('a body can be cut off in the middle', async (t) => {
  const { port, control } = await startPlatform(t);
  control.break({ path: '/x', times: 1, fault: { kind: 'truncated' } });
  const { ended, text } = rawGet(t, port, '/x');
  t.is(await ended, 'closed');
  const [head = '', body = ''] = text().split('\r\n\r\n');
  const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
  t.is(body.length, Math.floor(length / 2));
});

test('a slow body arrives piece by piece as the clock advances', async (t) => {
  const { clock, port, control } = await startPlatform(t);
  control.break({ path: '/x', fault: { kind: 'slow', pieceBytes: 10, everyMs: 1_000 } });
  const { socket, text } = rawGet(t, port, '/x');
  const body = (): string => text().split('\r\n\r\n')[1] ?? '';
  while (body() === '') await once(socket, 'data');
  t.is(body(), '{"errcode"');
  while (!body().endsWith('}')) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is((JSON.parse(body()) as { errcode: number }).errcode, 40066);
});

test('a path can stay silent until the caller leaves', async (t) => {
  const { origin, control } = await startPlatform(t);
  control.break({ path: '/x', fault: { kind: 'silent' } });
  const req = request(`${origin}/x`);
  req.on('error', () => undefined);
  req.end();
  const [arrival] = await control.arrived({ path: '/x' });
  t.is(arrival?.outcome, 'open');
  req.destroy();
  while (control.arrivals()[0]?.outcome === 'open') await new Promise((resolve) => setImmediate(resolve));
  t.is(control.arrivals()[0]?.outcome, 'left');
});

test('an early response is sent before the body of the request is read', async (t) => {
  const { origin, control } = await startPlatform(t);
  control.break({ path: '/x', early: true, times: 1, fault: { kind: 'errcode', errcode: 45009 } });
  const req = request(`${origin}/x`, { method: 'POST', headers: { 'content-length': '1000' } });
  t.teardown(() => req.destroy());
  req.on('error', () => undefined);
  req.flushHeaders();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  t.is(res.statusCode, 200);
  t.is(control.arrivals()[0]?.body, undefined);
});

test('a delay applies to the responses of a path', async (t) => {
  const { clock, origin, control } = await startPlatform(t);
  control.delay({ path: '/slow*', ms: 400 });
  const slow = ask(`${origin}/slow/x`);
  t.is((await ask(`${origin}/quick`)).json().errcode, 40066);
  const [arrival] = await control.arrived({ path: '/slow/x' });
  t.is(arrival?.outcome, 'open');
  while (control.arrivals({ path: '/slow/x' })[0]?.outcome === 'open') {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is((await slow).json().errcode, 40066);
  control.delay({ path: '/slow*', ms: 0 });
  t.is((await ask(`${origin}/slow/x`)).json().errcode, 40066);
});

test('a response can be replaced by any other, encoded, split and chunked', async (t) => {
  const { port, origin, control } = await startPlatform(t);
  const body = '{"errcode":42001,"errmsg":"access_token expired"}';
  control.answer({ path: '/a', status: 203, headers: { 'X-Odd': 'yes' }, body, coding: 'gzip' });
  const zipped = await ask(`${origin}/a`);
  t.is(zipped.status, 203);
  t.is(zipped.headers['x-odd'], 'yes');
  t.is(gunzipSync(zipped.body).toString(), body);

  control.answer({ path: '/b', body, splitAt: [5, 12], chunked: true });
  const { ended, socket, text } = rawGet(t, port, '/b');
  while (!text().endsWith('0\r\n\r\n')) await once(socket, 'data');
  socket.end();
  await ended;
  t.regex(text(), /Transfer-Encoding: chunked/);
  t.regex(text(), /\r\n5\r\n{"err\r\n7\r\ncode":4\r\n/);

  control.answer({ path: '/c', body: Buffer.from([0x7b, 0xff, 0x00]), headers: {} });
  t.deepEqual((await ask(`${origin}/c`)).body, Buffer.from([0x7b, 0xff, 0x00]));
});

test('a configured response can be sent after the checks of the token', async (t) => {
  const { call, origin, control } = await startPlatform(t);
  control.answer({ path: PATH, body: '{"mine":1}', afterChecks: true });
  t.is((await ask(`${origin}${PATH}`)).json().errcode, 41001);
  t.is((await call(PATH)).json().mine, 1);
});

test('a path can be added to the platform', async (t) => {
  const { call, origin, control } = await startPlatform(t);
  control.endpoint({ path: '/wxa/brandnew', method: 'POST', body: '{"value":7}' });
  t.is((await ask(`${origin}/wxa/brandnew`)).json().errcode, 43002);
  t.is((await ask(`${origin}/wxa/brandnew`, { body: '{}' })).json().errcode, 41001);
  t.is((await call('/wxa/brandnew', { body: '{}' })).json().value, 7);
  control.reset();
  t.is((await call('/wxa/brandnew', { body: '{}' })).json().errcode, 40066);
});

test('the latest rule wins, and healing a path leaves the others broken', async (t) => {
  const { origin, control } = await startPlatform(t);
  control.break({ path: '*', fault: { kind: 'errcode', errcode: 1 } });
  control.break({ path: '/x', method: 'POST', fault: { kind: 'errcode', errcode: 2 } });
  t.is((await ask(`${origin}/x`)).json().errcode, 1);
  t.is((await ask(`${origin}/x`, { body: '{}' })).json().errcode, 2);
  control.heal({ path: '/x' });
  t.is((await ask(`${origin}/x`, { body: '{}' })).json().errcode, 1);
  control.heal();
  t.is((await ask(`${origin}/x`)).json().errcode, 40066);
});
