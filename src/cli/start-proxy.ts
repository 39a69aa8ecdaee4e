import { boundedLog } from '../base/log.ts';
import { makeKeepers, type Keepers } from '../keeper/keepers.ts';
import type { KeeperObserver } from '../keeper/observer.ts';
import { type Accounts, type ProxyRules, type Sidecar } from '../proxy/sidecar.ts';
import { makeProxyFace } from '../proxy/app.ts';
import { ReplayBudget } from '../proxy/body.ts';
import { PassThrough } from '../proxy/pass-through.ts';
import { Suppression } from '../proxy/suppression.ts';
import type { Check } from '../server/admin.ts';
import { listen } from '../server/listen.ts';
import type { Metrics } from '../server/metrics.ts';
import { makeAsk } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/exchange.ts';
import { dnsLookup } from '../upstream/lookup.ts';
import { Origins } from '../upstream/origins.ts';
import { Pools } from '../upstream/pools.ts';
import { compilePathPattern } from '../wechat/path-pattern.ts';
import { makePlatformIssuer } from '../wechat/platform-issuer.ts';
import { openStore } from './open-store.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from './settings.ts';

/** The sidecar, with accounts of its own. */
export async function startProxy(settings: Settings, context: RoleContext): Promise<RunningRole> {
  const { clock, random, log, metrics } = context;
  const upstream = makeUpstream(settings, context);
  const passThrough = makePassThrough(settings, context, upstream);
  let current = settings;
  const keepers = makeKeepers({
    apps: settings.apps,
    issuer: makePlatformIssuer(makeAsk(upstream, clock)),
    store: openStore(settings.store, context),
    clock,
    random,
    log,
    observer: observerFor(metrics),
  });
  const budget = new ReplayBudget(settings.replay.memoryBytesMax);
  metrics.watchReplayBuffer(() => budget.bytes());
  let rules = rulesOf(settings);
  const sidecar: Sidecar = {
    ...context,
    accounts: accountsOf(keepers, () => current),
    upstream,
    passThrough,
    budget,
    suppression: new Suppression(clock),
    boundedLog: boundedLog(log, clock),
    rules: () => rules,
  };
  const listener = await listen({
    ...makeProxyFace(sidecar),
    ...settings.listen,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    clock,
    log,
  });
  keepers.start();

  return {
    name: 'proxy',
    addresses: listener.addresses,
    port: listener.port,
    ready: [tokenCheck(keepers, () => current)],
    status: () => ({
      defaultApp: current.defaultApp ?? null,
      accounts: keepers.status(),
      upstreams: upstream.origins.health(),
      inFlight: listener.inFlight(),
      replayBufferBytes: budget.bytes(),
    }),
    reconfigure(next) {
      current = next;
      rules = rulesOf(next);
      budget.resize(next.replay.memoryBytesMax);
      keepers.reconfigure(next.apps);
    },
    async drain(options) {
      const outcome = await listener.drain(options);
      await keepers.close();
      passThrough.close();
      await upstream.pools.close();
      return outcome;
    },
  };
}

export function makeUpstream(settings: Settings, { clock, log, metrics }: RoleContext): Upstream {
  const { connectMs, answerMs, idleMs } = settings.timeouts;
  return {
    origins: new Origins(settings.upstreams, clock),
    pools: new Pools({
      connectTimeoutMs: connectMs,
      answerTimeoutMs: answerMs,
      idleTimeoutMs: idleMs,
      resolve: settings.resolve,
    }),
    log,
    onFailover: (host) => metrics.upstreamFailedOver(host),
  };
}

function makePassThrough(settings: Settings, { clock }: RoleContext, upstream: Upstream): PassThrough {
  const { connectMs, answerMs, idleMs } = settings.timeouts;
  return new PassThrough({
    upstream,
    clock,
    connectTimeoutMs: connectMs,
    answerTimeoutMs: answerMs,
    idleTimeoutMs: idleMs,
    lookup: settings.resolve === 'dns' ? dnsLookup() : undefined,
  });
}

function rulesOf(settings: Settings): ProxyRules {
  const patterns = settings.denyPaths.map(compilePathPattern);
  return {
    defaultApp: settings.defaultApp,
    foreignTokens: settings.foreignTokens,
    errorStatus: settings.errorStatus,
    replayBodyBytesMax: settings.replay.bodyBytesMax,
    inFlightMax: settings.limits.inFlightMax,
    gate: {
      upstreamHosts: new Set(settings.upstreams.map((url) => new URL(url).hostname.toLowerCase())),
      denied: (path) => patterns.some((matches) => matches(path)),
    },
  };
}

function accountsOf(keepers: Keepers, settings: () => Settings): Accounts {
  return {
    token: (appid) => keepers.token(appid),
    refused: (appid, fingerprint, errcode) => keepers.refused(appid, fingerprint, errcode),
    ownerOf: (fingerprint) => keepers.ownerOf(fingerprint),
    knows: (appid) => settings().apps.some((app) => app.appid === appid),
    secretOf: (appid) => settings().apps.find((app) => app.appid === appid)?.secret,
  };
}

/** Ready once the default account has had a token; without a default one, once each account was tried. */
function tokenCheck(keepers: Keepers, settings: () => Settings): Check {
  return {
    name: 'tokens',
    run() {
      const { defaultApp, apps } = settings();
      if (defaultApp !== undefined) {
        return keepers.hasHadToken(defaultApp)
          ? undefined
          : `the account ${defaultApp} has had no token yet; /status tells why`;
      }
      const untried = apps.filter((app) => !keepers.tried(app.appid)).map((app) => app.appid);
      return untried.length === 0 ? undefined : `no token was asked for yet: ${untried.join(', ')}`;
    },
  };
}

export function observerFor(metrics: Metrics): KeeperObserver {
  return {
    refreshed: ({ appid, trigger, result }) => metrics.tokenRefreshed(appid, trigger, result),
    fetchFailed: ({ appid, errcode }) => metrics.tokenFetchFailed(appid, errcode),
    tokenChanged: ({ appid, expiresAtUnixMs }) => metrics.tokenExpiresAt(appid, expiresAtUnixMs),
  };
}
