import type { Clock } from '../base/clock.ts';
import type { LevelledLog } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { adminHandler, type Check } from '../server/admin.ts';
import { ADMIN_LIMITS } from '../server/admin-limits.ts';
import { collectWhenIdle, ownHeap } from '../server/idle-collection.ts';
import { connectionMetrics } from '../server/connection-metrics.ts';
import { listen, type Listener } from '../server/listen.ts';
import { makeMetrics } from '../server/metrics.ts';
import { isTraced } from './collector.ts';
import { orOnFreePort } from './free-port.ts';
import { inlineMore } from '../server/inline-more.ts';
import { LocalPorts } from './local-ports.ts';
import { type LoadedSettings, readTextFile, type SettingsLocation } from '../settings/load.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Host } from './host.ts';
import type { Settings } from '../settings/settings.ts';
import type { Tracing } from './tracing.ts';
import { watchSettings } from '../settings/watch.ts';

/** The start counts as complete after this time: an application must not wait for a platform that is down. */
const STARTUP_MS_MAX = 10_000;

const QUIT = 'POST /quitquitquit';

interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LevelledLog;
}

/** Starts a role and its admin port, and serves until it is asked to stop. */
export async function serve(
  host: Host,
  location: SettingsLocation,
  loaded: Extract<LoadedSettings, { kind: 'ok' }>,
  runtime: Runtime,
): Promise<void> {
  const { settings } = loaded;
  const { log, clock } = runtime;
  let reload = (): void => {
    isReloadAsked = true;
  };
  let isReloadAsked = false;
  // At once: without a listener this signal ends the process, and a start may wait for a hub.
  host.onSignal('reload', () => reload());
  const build = { version: host.version, role: settings.role, node: host.nodeVersion };
  const tracing = await startTracing(host, settings, runtime);
  const context: RoleContext = {
    ...runtime,
    version: host.version,
    metrics: makeMetrics(build),
    tracer: tracing?.tracer,
    memoryLimitBytes: host.memoryLimitBytes,
    onRejection: (act) => host.onRejection(act),
  };
  const stop = makeStop(host);
  const { role, welcome } = await start(settings, context);
  const admin = await openAdmin(settings, context, build, role, stop).catch(async (error: unknown) => {
    await role.drain({ delayMs: 0, timeoutMs: 0 });
    throw error;
  });
  const watch = watchSettings(loaded, {
    location,
    readFile: readTextFile,
    clock,
    log,
    apply(next) {
      log.setLevel(next.logLevel);
      role.reconfigure(next);
    },
  });
  const ports = new LocalPorts(host.userId);
  const isListed = settings.adminPortMayMove && (await ports.add(admin.port));
  reload = () => watch.reload();
  if (isReloadAsked) reload();
  log.info('serving', { ...build, listen: role.addresses, admin: admin.addresses });
  host.out(welcome(admin.port));
  if (settings.role === 'proxy') inlineMore();
  const heap = ownHeap(host.nodeVersion);
  if (heap !== undefined) collectWhenIdle(clock, heap);

  await stop.asked;
  log.info('stopping', { why: stop.why() });
  watch.close();
  const drainedByMs = clock.monotonicMs() + settings.drainDelayMs + settings.drainTimeoutMs;
  const { cut } = await role.drain({
    // A stop through the admin port comes from the application itself, which has made its last call.
    delayMs: stop.why() === QUIT ? 0 : settings.drainDelayMs,
    timeoutMs: settings.drainTimeoutMs,
  });
  await tracing?.close(Math.max(0, drainedByMs - clock.monotonicMs()));
  await admin.close();
  if (isListed) await ports.remove(admin.port);
  log.info('stopped', { callsCut: cut });
}

async function startTracing(host: Host, { role }: Settings, runtime: Runtime): Promise<Tracing | undefined> {
  if (!isTraced(role, host.env)) return undefined;
  const { openTracing } = await import('./tracing.ts');
  return openTracing(host.env, { ...runtime, version: host.version });
}

async function start(
  settings: Settings,
  context: RoleContext,
): Promise<{ role: RunningRole; welcome: (adminPort: number) => string }> {
  const quiet = (): string => '';
  switch (settings.role) {
    // Imported lazily: unused roles would double the start time and increase idle memory.
    case 'proxy': {
      const { startProxy } = await import('./proxy.ts');
      return { role: await startProxy(settings, context), welcome: quiet };
    }
    case 'hub': {
      const { startHub } = await import('./hub.ts');
      return { role: await startHub(settings, context), welcome: quiet };
    }
    case 'injector': {
      const { startInjector } = await import('./injector.ts');
      return { role: await startInjector(settings, context), welcome: quiet };
    }
    case 'simulator': {
      const { startSimulator } = await import('./simulator.ts');
      return { role: await startSimulator(settings, context), welcome: quiet };
    }
    case 'demo': {
      const { startDemo } = await import('./demo.ts');
      const demo = await startDemo(settings, context);
      return { role: demo, welcome: (adminPort) => demo.welcome(adminPort) };
    }
    default:
      throw new Error(`Cannot start ${settings.role}: this role does not serve`);
  }
}

interface Stop {
  readonly asked: Promise<void>;
  readonly isAsked: () => boolean;
  readonly why: () => string;
  ask(why: string): void;
}

function makeStop(host: Host): Stop {
  let why: string | undefined;
  let settle = (): void => {};
  const asked = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const ask = (reason: string): void => {
    why ??= reason;
    settle();
  };
  host.onSignal('stop', () => ask('a signal'));
  return { asked, ask, isAsked: () => why !== undefined, why: () => why ?? '' };
}

async function openAdmin(
  settings: Settings,
  { clock, log, metrics }: RoleContext,
  build: { version: string; role: string; node: string },
  role: RunningRole,
  stop: Stop,
): Promise<Listener> {
  const startedMs = clock.monotonicMs();
  const ready: Check[] = [
    { name: 'not stopping', run: () => (stop.isAsked() ? 'it has been asked to stop' : undefined) },
    ...role.ready,
  ];
  const started: Check[] = role.ready.map((check) => ({
    name: check.name,
    run: () => (clock.monotonicMs() - startedMs >= STARTUP_MS_MAX ? undefined : check.run()),
  }));
  const handler = adminHandler({
    build,
    checks: { live: [{ name: 'ping', run: () => undefined }], ready, startup: started },
    status: () => ({ ...build, [role.name]: role.status() }),
    metrics,
    quit: () => stop.ask(QUIT),
    clock,
    log,
  });
  const open = (where: Settings['adminListen']): Promise<Listener> =>
    listen({
      handler,
      ...where,
      setting: 'WECHAT_SIDECAR_ADMIN_LISTEN (adminListen)',
      limits: ADMIN_LIMITS,
      onCut: metrics.of(connectionMetrics).cutBy('admin'),
      mayUseReserve: true,
      clock,
      log,
    });
  if (!settings.adminPortMayMove) return open(settings.adminListen);
  const admin = await orOnFreePort(settings.adminListen, open);
  const usual = settings.adminListen.port;
  if (admin.port !== usual)
    log.info('default admin port is taken; using a free one', { usual, port: admin.port });
  return admin;
}
