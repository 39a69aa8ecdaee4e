import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import type { UpstreamRequestBody } from '../../src/upstream/request.ts';
import { call, listening, OK, upstreamOf } from '../support/direct-upstream.ts';
import { TurnedClock } from '../support/turned-clock.ts';

const PIECE = Buffer.alloc(64 * 1_024, 'x');

/** What one reader has read, no other one gets: a body for which there is no memory. */
function passingBody(pieces: number): UpstreamRequestBody {
  let left = pieces;
  return {
    bytes: pieces * PIECE.length,
    open: () =>
      new Readable({
        read() {
          left -= 1;
          this.push(left < 0 ? null : PIECE);
        },
      }),
  };
}

const headEnd = '\r\n\r\n';

test('an upload goes on after the head of its response has come', async (t) => {
  const pieces = 200;
  const bytes = pieces * PIECE.length;
  let received = 0;
  const server = createServer((socket) => {
    socket.once('data', (first: Buffer) => {
      received = first.length - first.indexOf(headEnd) - headEnd.length;
      socket.pause();
      // So late that the other side has filled all buffers, and waits for us to read.
      void pause(300).then(async () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
        await pause(100);
        socket.on('data', (more: Buffer) => {
          received += more.length;
          if (received === bytes) socket.end('ok');
        });
        socket.resume();
      });
    });
  });
  const clock = new TurnedClock();
  const upstream = upstreamOf(t, [`http://127.0.0.1:${await listening(t, server)}`], clock);
  const { outcome, leave } = call(upstream, { method: 'POST', body: passingBody(pieces) });
  t.is(await Promise.race([outcome, pause(10_000, 'not over')]), 'ok');
  t.is(received, bytes);
  leave();
});

test('a body that can be read once is sent on a new connection if the idle one proves to be dead', async (t) => {
  const pieces = 10;
  const sockets: Socket[] = [];
  let received = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    let isHead = true;
    socket.on('data', (chunk: Buffer) => {
      if (sockets.length === 1) {
        socket.write(OK);
        return;
      }
      received += isHead ? chunk.length - chunk.indexOf(headEnd) - headEnd.length : chunk.length;
      isHead = false;
      if (received === pieces * PIECE.length) socket.write(OK);
    });
  });
  const upstream = upstreamOf(t, [`http://127.0.0.1:${await listening(t, server)}`], new TurnedClock());
  t.is(await call(upstream).outcome, 'ok');
  // In one turn of the event loop, so that only the write can find out.
  sockets[0]?.resetAndDestroy();
  const { outcome } = call(upstream, { method: 'POST', body: passingBody(pieces) });
  t.is(await outcome, 'ok');
  t.is(received, pieces * PIECE.length);
  t.is(sockets.length, 2);
});
