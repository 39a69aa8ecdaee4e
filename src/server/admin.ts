import type { IncomingMessage, RequestListener } from 'node:http';
import Koa from 'koa';
import Router from 'koa-router';
import { readAtMost } from '../base/bounded-bytes.ts';
import { LOG_LEVELS, type LevelledLog, type LogLevel } from '../base/log.ts';
import { hostnameOf, isLoopbackName } from '../wechat/hosts.ts';
import type { Clock } from '../base/clock.ts';
import { ADMIN_BODY_BYTES_MAX, PAGE_RATE } from './admin-limits.ts';
import { KeptPage } from './kept-page.ts';
import type { BuildInfo, Metrics } from './metrics.ts';
import { withReadableTimes } from './status-times.ts';

export interface Check {
  readonly name: string;
  /** Returns why the check fails, in words; `undefined` if it passes. Makes no remote call. */
  run(): string | undefined;
}

export interface AdminInput {
  readonly build: BuildInfo;
  readonly checks: {
    /** Checks of the process itself; a failure means a restart. */
    readonly live: readonly Check[];
    /** Whether calls should be routed here. */
    readonly ready: readonly Check[];
    /** Whether startup is complete. */
    readonly startup: readonly Check[];
  };
  /** What `/status` shows as JSON: fingerprints, never tokens; times as `…UnixMs`. */
  status(): unknown;
  readonly metrics: Pick<Metrics, 'contentType' | 'page'>;
  /** Called after the response is sent. */
  quit(): void;
  readonly clock: Clock;
  readonly log: Omit<LevelledLog, 'always'>;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly meaning: string;
  readonly run: (ctx: Koa.Context) => void | Promise<void>;
}

/** The admin port: health, metrics and status; and, from this machine only, stop and log level. */
export function adminHandler(input: AdminInput): RequestListener {
  const routes = routesFor(input);
  const router = new Router();
  for (const { method, path, run } of routes) {
    if (method === 'GET') router.get(path, run);
    else router.post(path, refuseRemote, run);
  }
  const app = new Koa();
  app.on('error', (error: Error) => input.log.warn('admin request failed', { detail: error.message }));
  app.use(router.routes());
  app.use((ctx) => answerUnrouted(ctx, routes));
  const handle = app.callback();
  return (request, response) => void handle(request, response);
}

function routesFor(input: AdminInput): Route[] {
  const { checks, clock } = input;
  const metrics = new KeptPage(() => input.metrics.page(), PAGE_RATE, clock);
  const status = new KeptPage(() => statusText(input.status(), clock), PAGE_RATE, clock);
  return [
    healthRoute('livez', 'whether the process works', checks.live),
    healthRoute('readyz', 'whether calls should come here', checks.ready),
    healthRoute('startupz', 'whether the start is over', checks.startup),
    healthRoute('healthz', 'the same as /livez', checks.live),
    {
      method: 'GET',
      path: '/metrics',
      meaning: 'for Prometheus',
      run: async (ctx) => {
        ctx.set('content-type', input.metrics.contentType);
        ctx.body = await metrics.bytes();
      },
    },
    {
      method: 'GET',
      path: '/version',
      meaning: 'what runs here, as JSON',
      run: (ctx) => void (ctx.body = input.build),
    },
    {
      method: 'GET',
      path: '/status',
      meaning: 'accounts, tokens by fingerprint and upstreams, as JSON',
      run: async (ctx) => {
        ctx.set('content-type', 'application/json');
        ctx.body = await status.bytes();
      },
    },
    {
      method: 'POST',
      path: '/quitquitquit',
      meaning: 'finish the calls in flight and stop; from this machine only',
      run: (ctx) => {
        ctx.res.once('close', () => input.quit());
        answerText(ctx, 200, 'stopping');
      },
    },
    {
      method: 'POST',
      path: '/loglevel',
      meaning: `change the log level: ?level=${LOG_LEVELS.join('|')}; from this machine only`,
      run: (ctx) => changeLogLevel(ctx, input.log),
    },
  ];
}

function statusText(status: unknown, clock: Clock): string {
  return `${JSON.stringify(withReadableTimes(status, clock.unixMs()), null, 2)}\n`;
}

function healthRoute(name: string, meaning: string, checks: readonly Check[]): Route {
  return {
    method: 'GET',
    path: `/${name}`,
    meaning: `${meaning}; ?verbose lists the checks`,
    run: (ctx) => answerHealth(ctx, name, checks),
  };
}

/** In the format of the Kubernetes API server: one line per check, then the result. */
function answerHealth(ctx: Koa.Context, name: string, checks: readonly Check[]): void {
  const results = checks.map((check) => ({ name: check.name, problem: check.run() }));
  const passed = results.every(({ problem }) => problem === undefined);
  ctx.set('cache-control', 'no-store');
  if (passed && ctx.query['verbose'] === undefined) {
    answerText(ctx, 200, 'ok');
    return;
  }
  const lines = results.map((result) =>
    result.problem === undefined ? `[+]${result.name} ok` : `[-]${result.name} failed: ${result.problem}`,
  );
  lines.push(`${name} check ${passed ? 'passed' : 'failed'}`);
  answerText(ctx, passed ? 200 : 503, lines.join('\n'));
}

async function changeLogLevel(ctx: Koa.Context, log: AdminInput['log']): Promise<void> {
  const given = ctx.query['level'] ?? (await readShortBody(ctx.req)).replace(/^level=/, '').trim();
  const level = LOG_LEVELS.find((known) => known === given);
  if (level === undefined) {
    answerText(ctx, 400, `Cannot set the log level: give one of ${LOG_LEVELS.join(', ')}, as ?level=debug.`);
    return;
  }
  const before: LogLevel = log.level();
  log.setLevel(level);
  answerText(ctx, 200, `the log level was ${before} and is ${level}`);
}

async function readShortBody(request: IncomingMessage): Promise<string> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (!(length > 0 && length <= ADMIN_BODY_BYTES_MAX)) return '';
  return (await readAtMost(request, ADMIN_BODY_BYTES_MAX))?.toString('latin1') ?? '';
}

/**
 * Admits requests of programs on this machine, but not requests forwarded from another machine or sent by a web page in
 * a local browser: a page is recognized by a header that programs do not send, or by a Host name that leads here.
 */
async function refuseRemote(ctx: Koa.Context, next: Koa.Next): Promise<void> {
  const why = reasonToRefuse(ctx.req);
  if (why === undefined) await next();
  else answerText(ctx, 403, why);
}

/** A service mesh delivers remote traffic as 127.0.0.6, so only these addresses count, not all of loopback. */
const LOCAL_PEERS: ReadonlySet<string> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const FORWARDED = /^(?:forwarded|via|x-forwarded-.*|x-envoy-.*)$/;
const OF_WEB_PAGES = ['origin', 'referer', 'sec-fetch-site'] as const;

function reasonToRefuse({ socket, headers }: IncomingMessage): string | undefined {
  if (!LOCAL_PEERS.has(socket.remoteAddress ?? '')) {
    return 'Refused: only callers on this machine (127.0.0.1 or ::1) are served.';
  }
  const forwarded = Object.keys(headers).find((name) => FORWARDED.test(name));
  if (forwarded !== undefined) {
    return `Refused: the header ${forwarded} says that this was forwarded, and only callers on this machine are served.`;
  }
  if (!isLoopbackName(hostnameOf(headers.host ?? '') ?? '')) {
    return 'Refused: the Host header must name localhost, 127.0.0.1 or [::1].';
  }
  if (OF_WEB_PAGES.some((name) => headers[name] !== undefined)) {
    return 'Refused: a web page may not do this.';
  }
  return undefined;
}

function answerUnrouted(ctx: Koa.Context, routes: readonly Route[]): void {
  const here = routes.filter(({ path }) => path === ctx.path).map(({ method }) => method);
  if (here.length > 0) {
    const allowed = here.includes('GET') ? 'GET, HEAD' : here.join(', ');
    ctx.set('allow', allowed);
    answerText(ctx, 405, `${ctx.method} is not served here; use ${allowed}.`);
    return;
  }
  const home = ctx.path === '/';
  const lines = [
    home ? 'The admin port of wechat-sidecar:' : 'Not found. This admin port has:',
    ...routes.map(({ method, path, meaning }) => `  ${method} ${path}  ${meaning}`),
  ];
  answerText(ctx, home ? 200 : 404, lines.join('\n'));
}

function answerText(
  ctx: Koa.Context,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  ctx.status = status;
  ctx.set('content-type', type);
  ctx.body = `${text}\n`;
}
