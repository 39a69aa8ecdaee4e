import test from 'ava';
import fc from 'fast-check';
import { type Conversation, conversation, differenceOf, hastyClock } from '../support/lane-fuzz.ts';
import { startLanes } from '../support/two-lanes.ts';

const SEEDS: readonly number[] = [1, 2, 3];
/** What once made a difference. */
const KEPT: readonly Conversation[] = [
  {
    bytes:
      'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n' +
      'GET /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: localhost\r\n\r\n3\r\nabcd\r\n0\r\n\r\n' +
      'PUT /a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    cuts: [],
  },
  {
    bytes:
      'GET /a HTTP/1.1\r\nConnection: close\r\nExpect: 100-continueHost: localhost\r\n' +
      'Transfer-Encoding: gzip, chunked\r\n\r\n03;x=y\r\nabc\r\n0\r\n\r\n' +
      'PUT * HTTP/1.1\r\nHost: localhost\r\n\r\n',
    cuts: [],
  },
  {
    bytes:
      'GET * HTTP/1.1\r\nHost: localhost\r\n\r\n' +
      'GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: localhost\r\n\r\n03;x=y\r\nabc\r\n0\r\n\r\n' +
      'GET /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: localhost\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n',
    cuts: [],
  },
  // The first in two pieces; the second is not answered yet when the third arrives.
  {
    bytes:
      'POST /now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc' +
      'GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n' +
      'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    cuts: [
      { at: 59, pauseMs: 0 },
      { at: 61, pauseMs: 0 },
      { at: 101, pauseMs: 10 },
    ],
  },
];
const RUNS = 60;

for (const seed of SEEDS) {
  test(`whatever a caller sends, both lanes read it as node:http does (seed ${seed})`, async (t) => {
    const both = [await startLanes(t, true, { clock: hastyClock }), await startLanes(t, false)] as const;
    await fc.assert(
      fc.asyncProperty(conversation, async (given) => t.is(await differenceOf(both, given), undefined)),
      { seed, numRuns: RUNS, examples: KEPT.map((given) => [given]) },
    );
  });
}
