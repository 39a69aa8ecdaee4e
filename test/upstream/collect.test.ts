import { getEventListeners } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { type Collected, collect } from '../../src/upstream/collect.ts';
import { startScriptedUpstream } from '../support/scripted-upstream.ts';
import { upstreamAt } from '../support/upstream.ts';

const REQUEST = { method: 'GET', target: '/', headers: [], body: undefined, pinned: false };

async function collected(
  t: ExecutionContext,
  answer: string | undefined,
  bytesMax = 100,
): Promise<{ outcome: Promise<Collected>; limit: AbortController }> {
  const server = await startScriptedUpstream(t, (_, socket) => {
    if (answer !== undefined) socket.write(answer);
  });
  const upstream = upstreamAt(server.origin);
  t.teardown(() => upstream.pools.close());
  const limit = new AbortController();
  return { outcome: collect(upstream, REQUEST, bytesMax, limit.signal), limit };
}

test('a signal that outlives the request does not keep it', async (t) => {
  for (const [answer, kind] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'response'],
    [`HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n${'x'.repeat(200)}`, 'too_large'],
    ['no HTTP\r\n\r\n', 'failed'],
  ] as const) {
    const { outcome, limit } = await collected(t, answer);
    t.is((await outcome).kind, kind);
    t.deepEqual(getEventListeners(limit.signal, 'abort'), []);
  }
});

test('an aborted request ends', async (t) => {
  const { outcome, limit } = await collected(t, undefined);
  limit.abort();
  t.is((await outcome).kind, 'aborted');
});
