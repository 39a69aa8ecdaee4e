import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import { Problem } from './problem.ts';

/** Whom a call came from; an IPv4 address as such also where the socket is one of IPv6. */
export function addressOf(ctx: Koa.Context): string {
  return ctx.ip.replace(/^::ffff:(?=\d+\.)/, '');
}

/** The whole body. Throws a `Problem` where it is over the limit, and where it never came. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = new Problem('body_too_large', `The body of this call may have ${bytesMax} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Destroying the request here would take the connection away from the answer.
    const pieces = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of pieces) {
      bytes += chunk.length;
      if (bytes > bytesMax) break;
      chunks.push(chunk);
    }
  } catch {
    throw new Problem('bad_request', 'The body did not come to its end.');
  }
  if (bytes > bytesMax) throw tooLarge;
  return Buffer.concat(chunks);
}

/** The body as JSON; a `Problem` is thrown where it is none. */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const body = await readBody(request, bytesMax);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Problem('bad_request', 'The body is not JSON.');
  }
}
