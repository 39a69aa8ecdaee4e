import type { IncomingHttpHeaders } from 'node:http';
import type Koa from 'koa';
import Router from 'koa-router';
import type { z } from 'zod';
import { readBody } from './body.ts';
import { CONTROL_PAGE } from './control-page.ts';
import { problemsOf, SCHEMAS } from './control-schema.ts';
import type { SimulatorControl } from './control.ts';
import { isLoopback } from './loopback.ts';
import { API_HOSTS, hostnameOf, isLoopbackName } from '../wechat/hosts.ts';

export const CONTROL_PREFIX = '/__sim';
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** The control API: JSON in, JSON out, for callers on this machine only. */
export function controlRoutes(control: SimulatorControl, certificatePem: string | undefined): Koa.Middleware {
  const router = new Router({ prefix: CONTROL_PREFIX });
  router.use(async (ctx, next) => {
    if (!isLoopback(ctx.req.socket.remoteAddress ?? ''))
      return fail(ctx, 403, 'Cannot control the simulator from another machine: only loopback peers may');
    if (isFromPage(ctx.req.headers))
      return fail(ctx, 403, 'Cannot control the simulator from a web page of another origin');
    return next();
  });
  router.get('/', (ctx) => {
    ctx.body = CONTROL_PAGE;
  });
  router.get('/certificate', (ctx) => {
    if (certificatePem === undefined)
      return fail(ctx, 404, 'Cannot show a certificate: the simulator serves plain http');
    ctx.type = 'application/x-pem-file';
    ctx.body = certificatePem;
  });
  addReads(router, control);
  addWrites(router, control);
  const routes = router.routes();
  return (ctx, next) =>
    routes(ctx as Parameters<typeof routes>[0], async () => {
      if (ctx.path.startsWith(`${CONTROL_PREFIX}/`) || ctx.path === CONTROL_PREFIX) {
        return fail(
          ctx,
          404,
          `Cannot ${ctx.method} ${ctx.path}: GET ${CONTROL_PREFIX}/ lists the control calls`,
        );
      }
      return next();
    });
}

/**
 * A web page in a local browser is recognized by the headers that browsers add, or by a host name that was
 * made to resolve to this machine.
 */
function isFromPage(headers: IncomingHttpHeaders): boolean {
  const { host = '', origin } = headers;
  const name = hostnameOf(host) ?? '';
  const site = headers['sec-fetch-site'];
  return (
    (site !== undefined && site !== 'none' && site !== 'same-origin') ||
    (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) ||
    !(isLoopbackName(name) || API_HOSTS.has(name))
  );
}

function addReads(router: Router, control: SimulatorControl): void {
  const read = (name: string, run: (query: URLSearchParams) => unknown): void => {
    router.get(`/${name}`, (ctx) => {
      ctx.body = run(new URLSearchParams(ctx.querystring));
    });
  };
  read('apps', () => ({ apps: control.apps() }));
  read('arrivals', (query) => ({ arrivals: control.arrivals({ path: query.get('path') ?? undefined }) }));
  read('counters', () => control.counters());
  read('rules', () => control.rules());
  read('knobs', () => control.knobs());
  read('clock', () => ({ nowMs: control.nowMs() }));
}

function addWrites(router: Router, control: SimulatorControl): void {
  const write = <T>(name: string, schema: z.ZodType<T>, run: (given: T) => unknown): void => {
    router.post(`/${name}`, async (ctx) => {
      const given = await readJson(ctx);
      if (given.kind === 'problem') return fail(ctx, 400, `Cannot read ${name}: ${given.problem}`);
      const parsed = schema.safeParse(given.value);
      if (!parsed.success) return fail(ctx, 400, `Cannot read ${name}: ${problemsOf(parsed.error)}`);
      ctx.body = run(parsed.data) ?? { ok: true };
    });
  };
  write('apps', SCHEMAS.app, (app) => control.configure(app));
  write('expire', SCHEMAS.expire, (it) => ({ tokens: control.expire(it) }));
  write('overwrite', SCHEMAS.overwrite, (it) => ({ tokens: control.overwrite(it) }));
  write('revoke', SCHEMAS.revoke, (it) => ({ tokens: control.revoke(it) }));
  write('freeze', SCHEMAS.freeze, (it) => ({ apps: control.freeze(it) }));
  write('unfreeze', SCHEMAS.freeze, (it) => ({ apps: control.unfreeze(it) }));
  write('delay', SCHEMAS.delay, (it) => control.delay(it));
  write('break', SCHEMAS.break, (it) => ruleAnswer(control.break(it)));
  write('answer', SCHEMAS.answer, (it) => ruleAnswer(control.answer(it)));
  write('endpoint', SCHEMAS.endpoint, (it) => control.endpoint(it));
  write('heal', SCHEMAS.heal, (it) => control.heal(it));
  write('knobs', SCHEMAS.knobs, (it) => control.knobs(it));
  write('clock', SCHEMAS.clock, ({ advanceMs }) => ({ nowMs: control.advance({ ms: advanceMs }) }));
  write('clear', SCHEMAS.nothing, () => control.clear());
  write('reset', SCHEMAS.nothing, () => control.reset());
}

function ruleAnswer(rule: number | undefined): object {
  return rule === undefined ? { error: 'Cannot add a rule: there are too many; heal some first' } : { rule };
}

type Given =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'problem'; readonly problem: string };

/** An empty body counts as an empty object, so that `curl -X POST` is enough for most calls. */
async function readJson(ctx: Koa.Context): Promise<Given> {
  const body = await readBody(ctx.req, BODY_BYTES_MAX);
  if (body?.bytes === undefined)
    return { kind: 'problem', problem: `the body exceeds ${BODY_BYTES_MAX} bytes or ended early` };
  if (body.lengthBytes === 0) return { kind: 'value', value: {} };
  try {
    return { kind: 'value', value: JSON.parse(body.bytes.toString()) as unknown };
  } catch {
    return { kind: 'problem', problem: 'the body is not JSON' };
  }
}

function fail(ctx: Koa.Context, status: number, error: string): void {
  ctx.status = status;
  ctx.body = { error };
}
