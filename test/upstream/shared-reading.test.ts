import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { copyIfShared } from '../../src/base/read-buffer.ts';
import { exchange, type Upstream } from '../../src/upstream/exchange.ts';
import { KnownHeads } from '../../src/upstream/known-heads.ts';
import { upstreamAt } from '../support/upstream.ts';

const CALLS = 8;

/** All connections are read into one buffer: what is kept of a piece must not change with the next one. */
test('responses whose pieces arrive interleaved over many connections do not mix', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => socket.once('data', () => sockets.push(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const upstream = upstreamAt(`http://127.0.0.1:${port}`);
  t.teardown(async () => {
    await upstream.pools.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const calls = Array.from({ length: CALLS }, () => received(upstream));
  while (sockets.length < CALLS) await turn();
  const responses = sockets.map((_, at) => {
    const body = `<${String.fromCharCode(97 + at).repeat(40)}>`;
    return `HTTP/1.1 200 OK\r\nX-Call: ${at}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  for (let from = 0; from < 120; from += 7) {
    for (const [at, socket] of sockets.entries()) socket.write((responses[at] ?? '').slice(from, from + 7));
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  const found = (await Promise.all(calls)).map(({ headers, body }) => `${headers[1]} ${body}`);
  const expected = responses.map((_, at) => `${at} <${String.fromCharCode(97 + at).repeat(40)}>`);
  t.deepEqual(found.toSorted(), expected);
});

test('a repeated head is parsed once, and another one of the same length is parsed again', (t) => {
  const heads = new KnownHeads();
  const head = (etag: string): string => `HTTP/1.1 200 OK\r\nETag: ${etag}\r\nContent-Length: 0\r\n\r\n`;
  const first = heads.read(head('a'));
  t.is(heads.read(head('a')), first);
  const other = heads.read(head('b'));
  t.deepEqual(other.headers, ['ETag', 'b', 'Content-Length', '0']);
  t.deepEqual(heads.read(head('a')), first);
});

function received(upstream: Upstream): Promise<{ headers: readonly string[]; body: string }> {
  return new Promise((resolve, reject) => {
    const request = { method: 'GET', target: '/', headers: [], body: undefined, pinned: false };
    let headers: readonly string[] = [];
    const chunks: Buffer[] = [];
    exchange(upstream, request, {
      head: (_, __, given) => void (headers = given),
      data: (chunk) => chunks.push(copyIfShared(chunk)) > 0,
      end: () => resolve({ headers, body: Buffer.concat(chunks).toString() }),
      failed: ({ reason }) => reject(new Error(reason)),
    });
  });
}
