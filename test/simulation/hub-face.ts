import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type Koa from 'koa';
import { isAuthorized } from '../../src/hub/authenticator.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { Problem, problemAnswer, unknownApp } from '../../src/hub/problem.ts';
import type { ApiRoute } from '../../src/hub/route.ts';
import { API_ROUTES } from '../../src/hub/routes.ts';
import type { HubRequest } from '../../src/hub-client/http.ts';

/** Where an answer of the hub goes. */
export interface Outlet {
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
  end(): void;
  /** Tells the hub when the caller has gone. */
  onClosed(run: () => void): void;
}

/** Brings a request to the hub's own routes, past HTTP. */
export async function serveHubRequest(hub: Hub, request: HubRequest, outlet: Outlet): Promise<void> {
  const [path = '', querystring = ''] = request.path.split('?', 2);
  const found = routeOf(request.method, path);
  const ctx = contextOf(request, path, querystring, outlet);
  try {
    if (found === undefined) throw new Problem('not_found', 'nothing here');
    const { route, appid } = found;
    const caller =
      route.credential === 'key'
        ? { kind: 'client' as const, name: 'nobody', grants: [] }
        : await callerOf(hub, headerOf(request.headers, 'authorization'));
    if (appid !== undefined && !(isAuthorized(caller, appid) && hub.accounts.has(appid))) throw unknownApp();
    await route.run(ctx as unknown as Koa.Context, hub, caller, appid ?? '');
    if (ctx.respond === false) return;
    const body = Buffer.from(JSON.stringify(ctx.body));
    outlet.head(ctx.status, ['content-type', 'application/json', ...ctx.sent]);
    outlet.data(body);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { status, headers, body } = problemAnswer(error);
    outlet.head(status, Object.entries(headers).flat());
    outlet.data(body);
  }
  outlet.end();
}

async function callerOf(
  hub: Hub,
  authorization: string | undefined,
): Promise<Parameters<ApiRoute['run']>[2]> {
  const recognition = await hub.callers.byAuthorization(authorization, '127.0.0.1');
  if (recognition.kind === 'caller') return recognition.caller;
  throw new Problem('unauthorized', 'no such key');
}

const routes = new Map<string, { route: ApiRoute; appid: string | undefined } | undefined>();

function routeOf(method: string, path: string): { route: ApiRoute; appid: string | undefined } | undefined {
  const key = `${method} ${path}`;
  if (routes.has(key)) return routes.get(key);
  const given = path.split('/');
  const route = API_ROUTES.find((each) => {
    const wanted = each.path.split('/');
    const fits = wanted.every((part, index) => part.startsWith(':') || part === given[index]);
    return each.method === method && wanted.length === given.length && fits;
  });
  const at = route?.path.split('/').indexOf(':appid') ?? -1;
  const found = route === undefined ? undefined : { route, appid: at === -1 ? undefined : given[at] };
  routes.set(key, found);
  return found;
}

interface Context {
  readonly method: string;
  readonly path: string;
  readonly querystring: string;
  readonly ip: string;
  readonly headers: Record<string, string>;
  readonly req: object;
  readonly res: ServerResponse;
  readonly sent: string[];
  status: number;
  respond: boolean | undefined;
  body: unknown;
  set(name: string, value: string): void;
}

/** What the routes use of Koa's. */
function contextOf(request: HubRequest, path: string, querystring: string, outlet: Outlet): Context {
  const sent: string[] = [];
  return {
    method: request.method,
    path,
    querystring,
    ip: '10.0.0.1',
    headers: {},
    req: {
      headers: {},
      async *iterator() {
        if (request.body !== undefined) yield request.body;
      },
    },
    res: new StreamResponse(outlet) as unknown as ServerResponse,
    sent,
    status: 200,
    respond: undefined,
    body: undefined,
    set: (name, value) => void sent.push(name, value),
  };
}

/** As much of a `ServerResponse` as a stream of events needs. */
class StreamResponse extends EventEmitter {
  readonly req = { socket: new EventEmitter() };
  readonly writableNeedDrain = false;
  readonly writableLength = 0;
  writableEnded = false;
  destroyed = false;
  headersSent = false;
  readonly #outlet: Outlet;

  constructor(outlet: Outlet) {
    super();
    this.#outlet = outlet;
    outlet.onClosed(() => this.destroy());
  }

  writeHead(status: number, headers: Record<string, string>): this {
    this.headersSent = true;
    this.#outlet.head(status, Object.entries(headers).flat());
    return this;
  }

  write(chunk: Buffer | string): boolean {
    this.#outlet.data(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk));
    return true;
  }

  end(): this {
    if (this.writableEnded) return this;
    this.writableEnded = true;
    this.#outlet.end();
    this.emit('close');
    return this;
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.emit('close');
    return this;
  }
}

export function headerOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}
