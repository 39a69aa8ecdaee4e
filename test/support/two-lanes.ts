import type { IncomingMessage, RequestListener } from 'node:http';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { listen, type Listener, type ListenOptions } from '../../src/server/listen.ts';
import type { PlainExchange } from '../../src/server/plain-exchange.ts';
import type { Teardown } from './simulator.ts';

/** What a lane has read. */
export interface Seen {
  readonly lane: 'express' | 'general';
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  /** Undefined if it did not come whole. */
  body: string | undefined;
}

export interface Lanes {
  readonly listener: Listener;
  readonly seen: Seen[];
}

/** A listener that answers each request with the lane that served it and with its target. */
export async function startLanes(
  t: Teardown,
  express: boolean,
  over: Partial<ListenOptions> = {},
): Promise<Lanes> {
  const seen: Seen[] = [];
  const listener = await listen({
    handler: generalHandler(seen),
    host: '127.0.0.1',
    port: 0,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    halfClose: true,
    clock: systemClock,
    log: silentLog,
    ...(express && { express: expressHandler(seen) }),
    ...over,
  });
  t.teardown(() => listener.close());
  return { listener, seen };
}

/** What a target that holds this waits for is answered a moment later. */
export const LATER = '/later';
const LATER_MS = 50;
/** A target that begins with this is never answered in the express lane. */
export const NEVER = '/never';
/** A target that begins with this is answered in the express lane before its handler returns. */
export const NOW = '/now';

function generalHandler(seen: Seen[]): RequestListener {
  return (request, response) => {
    const { method = '', url = '', rawHeaders } = request;
    const entry: Seen = { lane: 'general', method, url, rawHeaders, body: undefined };
    seen.push(entry);
    void bodyOf(request).then((body) => {
      if (body === undefined) return;
      entry.body = body;
      const answer = (): void => void response.end(`general ${url}\n`);
      if (url.startsWith(LATER)) systemClock.after(LATER_MS, answer);
      else answer();
    });
  };
}

function expressHandler(seen: Seen[]): (exchange: PlainExchange) => boolean {
  return (exchange) => {
    const { method, url, rawHeaders, response } = exchange;
    if (url.startsWith('/general')) return false;
    exchange.begin();
    seen.push({ lane: 'express', method, url, rawHeaders, body: exchange.body.toString('latin1') });
    const answer = (): void => {
      const body = Buffer.from(`express ${url}\n`);
      response.writeHead(200, 'OK', ['Content-Length', String(body.length)]);
      response.end(body);
      exchange.over();
    };
    if (url.startsWith(LATER)) systemClock.after(LATER_MS, answer);
    else if (url.startsWith(NOW)) answer();
    else if (!url.startsWith(NEVER)) queueMicrotask(answer);
    return true;
  };
}

/** Undefined if it never came whole. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('latin1');
}
