import { shareOfMemory } from '../base/container-memory.ts';
import { type IpRange, readIpRange } from '../base/ip-range.ts';
import { makeRecorder } from '../proxy/access-log.ts';
import type { ProxyRules, Sidecar } from '../proxy/sidecar.ts';
import { makeProxyHandlers, type ProxyHandlers } from '../proxy/app.ts';
import { RateLimit } from '../base/rate-limit.ts';
import { ReplayBudget } from '../proxy/body.ts';
import { proxyLimits, PROXY_LIMITS, TRANSPARENT_LIMITS } from '../proxy/limits.ts';
import { proxyMetrics } from '../proxy/metrics.ts';
import { PassThrough } from '../proxy/pass-through.ts';
import { Reports } from '../proxy/reports.ts';
import { prepareTrust } from '../proxy/transparent/trust-files.ts';
import { connectionMetrics } from '../server/connection-metrics.ts';
import { ListenError } from '../server/listen-error.ts';
import { listen, type Listener, type ListenOptions } from '../server/listen.ts';
import type { Upstream } from '../upstream/exchange.ts';
import { hostnameOf, isLoopbackName } from '../wechat/hosts.ts';
import { SIGNATURE_RATE } from '../wechat/page-signature.ts';
import { matchAny } from '../wechat/path-pattern.ts';
import { makeHubBackedAccounts, makeOwnAccounts } from './proxy-accounts.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from '../settings/settings.ts';
import type { HostPort } from '../settings/types.ts';
import { makePlatformRoute } from './platform-route.ts';

/** The sidecar, with its own accounts or those of a hub. */
export async function startProxy(settings: Settings, context: RoleContext): Promise<RunningRole> {
  const { clock } = context;
  const metrics = context.metrics.of(proxyMetrics);
  const route = makePlatformRoute(settings, context);
  const { upstream } = route;
  const passThrough = new PassThrough(upstream);
  const source =
    settings.hub === undefined
      ? await makeOwnAccounts(settings, context, upstream)
      : makeHubBackedAccounts(settings, settings.hub, context, route.authorities);
  const budget = new ReplayBudget(replayBytesMax(settings, context));
  metrics.watchReplayBuffer(() => budget.bytes());
  const reports = new Reports({ accounts: source.accounts, clock });
  source.onTokenChange((appid) => reports.tokenChanged(appid));
  const rules = new CurrentRules(rulesOf(settings, context), source);
  const sidecar: Sidecar = {
    ...context,
    metrics,
    accounts: source.accounts,
    upstream,
    passThrough,
    budget,
    reports,
    signatures: new RateLimit(SIGNATURE_RATE, clock),
    rules: () => rules.current(),
  };
  // Both listeners share it, so that there is one limit of calls in flight.
  const handlers = makeProxyHandlers(sidecar);
  const peers = new Peers(settings.listenPeers);
  const transparent = await openTransparent(settings, handlers, peers, context);
  const listener = await openBusiness(settings, handlers, peers, context);
  await source.start();
  warmUp(settings, upstream);

  return {
    name: 'proxy',
    addresses: [...listener.addresses, ...(transparent?.addresses ?? [])],
    port: listener.port,
    ready: [source.ready],
    status: () => ({
      defaultApp: source.defaultApp() ?? null,
      ...source.status(),
      ...route.status(),
      inFlight: listener.inFlight() + (transparent?.inFlight() ?? 0),
      replayBufferBytes: budget.bytes(),
    }),
    reconfigure(next) {
      const isRouteChanged = route.reconfigure(next);
      rules.use(rulesOf(next, context));
      peers.use(next.listenPeers);
      budget.resize(replayBytesMax(next, context));
      source.reconfigure(next);
      if (!isRouteChanged) return;
      passThrough.renew();
      source.routeChanged();
    },
    async drain(options) {
      const [outcome, beside] = await Promise.all([listener.drain(options), transparent?.drain(options)]);
      await source.close();
      passThrough.close();
      await upstream.pools.close();
      return { cut: outcome.cut + (beside?.cut ?? 0) };
    },
  };
}

/** What kept bodies may take if nothing is set; of a container's memory, most is needed for everything else. */
const REPLAY_BYTES_MAX = 64 * 1024 * 1024;
const REPLAY_SHARE = 0.25;

function replayBytesMax({ replay }: Settings, { memoryLimitBytes = 0 }: RoleContext): number {
  return replay.memoryBytesMax ?? Math.min(REPLAY_BYTES_MAX, shareOfMemory(REPLAY_SHARE, memoryLimitBytes));
}

type DefaultApp = 'defaultApp' | 'defaultAppUnknown';

/** The rules for each call: the same object as long as they do not change. */
class CurrentRules {
  readonly #source: { [name in DefaultApp]: () => ProxyRules[name] };
  #rules: ProxyRules;

  constructor(rules: Omit<ProxyRules, DefaultApp>, source: { [name in DefaultApp]: () => ProxyRules[name] }) {
    this.#source = source;
    this.#rules = { ...rules, defaultApp: undefined };
  }

  use(rules: Omit<ProxyRules, DefaultApp>): void {
    this.#rules = { ...rules, defaultApp: undefined };
  }

  current(): ProxyRules {
    const [defaultApp, defaultAppUnknown] = [this.#source.defaultApp(), this.#source.defaultAppUnknown()];
    const { defaultApp: before, defaultAppUnknown: unknownBefore } = this.#rules;
    if (defaultApp !== before || defaultAppUnknown !== unknownBefore)
      this.#rules = { ...this.#rules, defaultApp, defaultAppUnknown };
    return this.#rules;
  }
}

/** Who may connect to listeners that are not on loopback. */
class Peers {
  #ranges: readonly IpRange[] = [];

  constructor(ranges: readonly string[]) {
    this.use(ranges);
  }

  use(ranges: readonly string[]): void {
    this.#ranges = ranges.flatMap((text) => readIpRange(text) ?? []);
  }

  on({ host }: HostPort): Pick<ListenOptions, 'mayConnect'> {
    if (isLoopbackName(host)) return {};
    return { mayConnect: (address) => this.#ranges.some((range) => range(address)) };
  }
}

function openBusiness(
  settings: Settings,
  handlers: ProxyHandlers,
  peers: Peers,
  { clock, log, metrics }: RoleContext,
): Promise<Listener> {
  const { listen: where } = settings;
  return listen({
    ...handlers,
    ...where,
    ...peers.on(where),
    halfClose: true,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    limits: proxyLimits(PROXY_LIMITS, boundsOf(settings)),
    onCut: metrics.of(connectionMetrics).cutBy('business'),
    clock,
    log,
  });
}

/** Serves the same proxy over HTTPS under the platform's own names. */
async function openTransparent(
  settings: Settings,
  handlers: ProxyHandlers,
  peers: Peers,
  { clock, log, metrics }: RoleContext,
): Promise<Listener | undefined> {
  const { transparent } = settings;
  if (transparent === undefined) return undefined;
  const { listen: where, trustFolder, keyFolder } = transparent;
  const setting = 'WECHAT_SIDECAR_TRANSPARENT_LISTEN (transparent.listen)';
  const tls = await prepareTrust({ trust: trustFolder, key: keyFolder }, clock).catch(
    (error: NodeJS.ErrnoException) => {
      const code = error.code ?? 'unknown';
      const why = `cannot write ${error.path ?? `to ${trustFolder} and ${keyFolder}`} (${code})`;
      throw new ListenError(code, `Cannot serve HTTPS for ${setting}: ${why}`, error);
    },
  );
  return listen({
    ...handlers,
    ...where,
    ...peers.on(where),
    tls,
    halfClose: true,
    setting,
    limits: proxyLimits(TRANSPARENT_LIMITS, boundsOf(settings)),
    onCut: metrics.of(connectionMetrics).cutBy('transparent'),
    clock,
    log,
  });
}

function boundsOf({ limits, timeouts }: Settings): Parameters<typeof proxyLimits>[1] {
  return { inFlightMax: limits.inFlightMax, bodyPauseMs: timeouts.idleMs };
}

/** If the sidecar has its own account, fetching the token already opens a connection. */
function warmUp({ hub }: Settings, { pools, origins }: Upstream): void {
  if (hub !== undefined) pools.warm(origins.first());
}

function rulesOf(
  settings: Settings,
  context: RoleContext,
): Omit<ProxyRules, 'defaultApp' | 'defaultAppUnknown'> {
  return {
    recorder: makeRecorder(settings.accessLog, context.tracer, context),
    foreignTokens: settings.foreignTokens,
    errorStatus: settings.errorStatus,
    replayBodyBytesMax: settings.replay.bodyBytesMax,
    inFlightMax: settings.limits.inFlightMax,
    signedUrlHosts: settings.signedUrlHosts && new Set(settings.signedUrlHosts),
    gate: {
      upstreamHosts: new Set(settings.upstreams.flatMap((url) => hostnameOf(new URL(url).host) ?? [])),
      allowedHosts: new Set(settings.allowedHosts),
      allowedOrigins: new Set(settings.allowedOrigins),
      denied: matchAny(settings.denyPaths),
    },
  };
}
