import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { type Answer, lengthOf } from './answer.ts';
import type { Arrival } from './arrivals.ts';
import type { Custom, Fault } from './rules.ts';
import type { World } from './world.ts';

const ZEROS = Buffer.alloc(64 * 1024);
const CODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

export interface Delivery {
  readonly world: World;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly arrival: Arrival;
}

/** Sends a response, or applies the fault to it. */
export async function deliver(to: Delivery, answer: Answer, fault?: Fault): Promise<void> {
  to.world.arrivals.answered(to.arrival, answer.status, answer.errcode);
  switch (fault?.kind) {
    case 'resetAfterHeaders':
      return cutAfter(to, answer, 0, 'reset');
    case 'truncated':
      return cutAfter(to, answer, Math.floor(lengthOf(answer) / 2), 'close');
    case 'slow':
      writeHead(to, answer, lengthOf(answer));
      return sendPieces(to, pieces(bytesOf(answer), fault.pieceBytes), fault.everyMs);
    default:
      if (!Buffer.isBuffer(answer.body)) return sendZeros(to, answer, answer.body.zerosBytes);
      return sendWhole(to, answer, answer.body);
  }
}

/** Sends a custom response with the framing that the test requested. */
export async function deliverCustom(to: Delivery, custom: Custom): Promise<void> {
  to.world.arrivals.answered(to.arrival, custom.status, undefined);
  const body = custom.coding === undefined ? custom.body : CODERS[custom.coding](custom.body);
  const headers = {
    ...custom.headers,
    ...(custom.coding !== undefined && { 'Content-Encoding': custom.coding }),
    ...(!custom.chunked && { 'Content-Length': String(body.length) }),
  };
  to.res.writeHead(custom.status, { Date: dateOf(to.world), ...headers });
  const starts = [0, ...custom.splitAt.filter((at) => at > 0 && at < body.length).toSorted((a, b) => a - b)];
  return sendPieces(
    to,
    starts.map((at, i) => body.subarray(at, starts[i + 1])),
    custom.pauseMs,
  );
}

/** Resets the connection instead of responding. */
export function reset(to: Delivery): void {
  to.arrival.outcome = 'cut';
  const { socket } = to.req;
  // Only a plain TCP socket can be reset; under TLS it is closed.
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function sendWhole({ world, req, res }: Delivery, answer: Answer, body: Buffer): void {
  const coded = world.knobs.gzip && body.length > 0 && /\bgzip\b/.test(req.headers['accept-encoding'] ?? '');
  const bytes = coded ? gzipSync(body) : body;
  const headers: Record<string, string | number> = {
    Date: dateOf(world),
    ...answer.headers,
    'Content-Length': bytes.length,
  };
  if (coded) headers['Content-Encoding'] = 'gzip';
  res.writeHead(answer.status, headers);
  res.end(bytes);
}

async function sendZeros(to: Delivery, answer: Answer, zerosBytes: number): Promise<void> {
  writeHead(to, answer, zerosBytes);
  for (let left = zerosBytes; left > 0; left -= ZEROS.length) {
    if (!(await write(to.res, left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS))) return;
  }
  to.res.end();
}

async function sendPieces(to: Delivery, parts: readonly Buffer[], pauseMs: number): Promise<void> {
  for (const [i, part] of parts.entries()) {
    if (i > 0 && pauseMs > 0) await new Promise<void>((resolve) => to.world.after(pauseMs, resolve));
    if (!(await write(to.res, part))) return;
  }
  to.res.end();
}

async function cutAfter(to: Delivery, answer: Answer, bytes: number, how: 'reset' | 'close'): Promise<void> {
  writeHead(to, answer, lengthOf(answer));
  to.res.flushHeaders();
  to.arrival.outcome = 'cut';
  await write(to.res, bytesOf(answer).subarray(0, bytes));
  if (how === 'reset') reset(to);
  else to.req.socket.destroy();
}

/** Resolves when the bytes have been passed to the system; false if the connection is gone. */
function write(res: ServerResponse, bytes: Buffer): Promise<boolean> {
  if (res.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const gone = (): void => resolve(false);
    res.once('close', gone);
    res.write(bytes, (error) => {
      res.off('close', gone);
      resolve(error === undefined || error === null);
    });
  });
}

function writeHead({ world, res }: Delivery, answer: Answer, length: number): void {
  res.writeHead(answer.status, { Date: dateOf(world), ...answer.headers, 'Content-Length': length });
}

function bytesOf(answer: Answer): Buffer {
  return Buffer.isBuffer(answer.body)
    ? answer.body
    : Buffer.alloc(Math.min(answer.body.zerosBytes, ZEROS.length));
}

function pieces(bytes: Buffer, pieceBytes: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) parts.push(bytes.subarray(at, at + pieceBytes));
  return parts;
}

let dateSecond = -1;
let dateText = '';

/** The platform's time, so that a caller can notice that its clock is wrong. */
function dateOf(world: World): string {
  const second = Math.floor(world.nowMs() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1_000).toUTCString();
  }
  return dateText;
}
