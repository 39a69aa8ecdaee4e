import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import { readAtMost } from '../base/bounded-bytes.ts';
import { Problem } from './problem.ts';

/** The peer address of a call; IPv4 addresses are written as such even if the socket is IPv6. */
export function addressOf(ctx: Koa.Context): string {
  return ctx.ip.replace(/^::ffff:(?=\d+\.)/, '');
}

/** Reads the whole body. Throws a `Problem` if it exceeds the limit or ends early. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const body = await readAtMost(request, bytesMax).catch(() => {
    throw new Problem('bad_request', 'The body ended early.');
  });
  if (body === undefined) throw tooLarge(bytesMax);
  return body;
}

function tooLarge(bytesMax: number): Problem {
  return new Problem('body_too_large', `The body exceeds ${bytesMax} bytes.`);
}

/** Reads the body as JSON; throws a `Problem` if it is not JSON. */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const body = await readBody(request, bytesMax);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Problem('bad_request', 'The body is not JSON.');
  }
}
