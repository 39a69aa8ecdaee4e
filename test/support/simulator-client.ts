import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as httpRequest,
} from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The body as JSON; throws where it is none. */
  json(): Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON. */
  readonly body?: Buffer | string | object;
  /** Without a Content-Length. */
  readonly chunked?: boolean;
  readonly ca?: string;
}

/** One plain call over a connection of its own, with nothing added or hidden. */
export function ask(
  url: string,
  { method, headers = {}, body, chunked = false, ca }: Ask = {},
): Promise<Reply> {
  const bytes =
    body === undefined || Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const framed = bytes === undefined || chunked ? headers : { 'content-length': bytes.length, ...headers };
  const options = {
    method: method ?? (bytes === undefined ? 'GET' : 'POST'),
    headers: framed,
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const onAnswer = (res: IncomingMessage): void => {
      const parts: Buffer[] = [];
      res.on('data', (part: Buffer) => parts.push(part));
      res.on('error', reject);
      res.on('end', () => {
        const whole = Buffer.concat(parts);
        const { headers: received, rawHeaders } = res;
        const json = (): Record<string, unknown> => JSON.parse(whole.toString()) as Record<string, unknown>;
        resolve({ status: res.statusCode ?? 0, headers: received, rawHeaders, body: whole, json });
      });
    };
    const req = url.startsWith('https:')
      ? httpsRequest(url, ca === undefined ? options : { ...options, ca }, onAnswer)
      : httpRequest(url, options, onAnswer);
    req.on('error', reject);
    if (chunked) req.flushHeaders();
    req.end(bytes);
  });
}
