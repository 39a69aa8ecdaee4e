import test from 'ava';
import { EXPLAINED } from './explained.ts';
import { drawSent, type Sent } from './odd-bytes.ts';
import { judgeOverSockets, openSockets } from './sockets.ts';
import { judgeInMemory } from './upstream.ts';

/** Each showed a difference once, or is needed for one that is explained. */
const KEPT_SEEDS = [19, 125, 128, 268, 360, 447, 482, 547, 552, 938, 985, 1_143, 1_170];

const KEPT: readonly Sent[] = [
  ...KEPT_SEEDS.map(drawSent),
  { method: 'GET', pieces: ['HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'] },
  {
    method: 'GET',
    pieces: ['HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  },
  // A tab is white space.
  { method: 'GET', pieces: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n3\r\nabc\r\n0\r\n\r\n'] },
  { method: 'GET', pieces: ['HTTP/1.1 200 OK\r\nConnection: close\t\r\nContent-Length: 0\r\n\r\n'] },
  // White space of Unicode around a value is part of it.
  { method: 'GET', pieces: ['HTTP/1.1 200 OK\r\nX: \u00c3\u00a0\r\nContent-Length: 0\r\n\r\n'] },
  { method: 'GET', pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 5\u00a0\r\n\r\nhello'] },
  // A word that merely holds the other.
  { method: 'GET', pieces: ['HTTP/1.1 200 OK\r\nConnection: x-close\r\nContent-Length: 0\r\n\r\n'] },
];

test('what our client and that of node:http both accept, they read alike', async (t) => {
  for (const sent of KEPT) t.deepEqual((await judgeInMemory(sent)).faults, [], JSON.stringify(sent));
});

test('every explanation of a difference is needed for a kept response', async (t) => {
  for (const explanation of EXPLAINED) {
    const others = EXPLAINED.filter((each) => each !== explanation);
    const judged = await Promise.all(KEPT.map((sent) => judgeInMemory(sent, others)));
    t.true(
      judged.some(({ faults }) => faults.length > 0),
      explanation.why,
    );
  }
});

test('over sockets nothing hangs, no connection is left, and no two responses are mixed', async (t) => {
  const sockets = await openSockets();
  t.teardown(() => sockets.close());
  for (const sent of KEPT) t.deepEqual(await judgeOverSockets(sockets, sent), [], JSON.stringify(sent));
  t.deepEqual(await sockets.close(), []);
});
