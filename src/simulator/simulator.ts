import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa from 'koa';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { NewApp } from './accounts.ts';
import { CONTROL_PREFIX, controlRoutes } from './control-routes.ts';
import { makeControl, type SimulatorControl } from './control.ts';
import { ENDPOINTS } from './endpoint-table.ts';
import { serve } from './gateway.ts';
import type { Knobs } from './knobs.ts';
import { World } from './world.ts';

export interface SimulatorOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The initial accounts; their secrets are made up. */
  readonly apps: readonly NewApp[];
  /** The same seed gives the same tokens, rids and tickets for the same calls. Default 1. */
  readonly seed?: number | undefined;
  readonly knobs?: Partial<Knobs> | undefined;
  /** The response of GET /__sim/certificate, if the listener uses TLS. */
  readonly certificatePem?: string | undefined;
}

export interface Simulator {
  /** Serves http and https alike; one handler may serve several listeners. */
  handler(): (req: IncomingMessage, res: ServerResponse) => void;
  readonly control: SimulatorControl;
}

/** A simulated WeChat platform: it opens no socket and keeps everything in memory. */
export function makeSimulator(options: SimulatorOptions): Simulator {
  const { clock, log, apps, seed = 1, knobs = {}, certificatePem } = options;
  const world = new World(clock, seed, apps, knobs, ENDPOINTS);
  const control = makeControl(world);
  const app = new Koa();
  const routes = controlRoutes(control, certificatePem);
  app.use((ctx, next) => (ctx.url.startsWith(CONTROL_PREFIX) ? routes(ctx, next) : next()));
  app.use((ctx) => {
    // Responses are framed, cut and slowed byte by byte, which Koa cannot do.
    ctx.respond = false;
    return serve(world, ctx.req, ctx.res);
  });
  app.on('error', (error: Error & { code?: string }) => {
    log.warn('simulated response failed', { reason: error.code ?? error.name });
  });
  const handle = app.callback();
  return {
    handler: () => (req, res) => void handle(req, res),
    control,
  };
}
