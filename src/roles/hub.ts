import { hostname } from 'node:os';
import { Audit } from '../hub/audit.ts';
import { RateLimit } from '../base/rate-limit.ts';
import { makeHubHandlers } from '../hub/app.ts';
import { Authenticator, type Reviewers } from '../hub/authenticator.ts';
import { accountsOf } from '../hub/accounts.ts';
import type { Hub } from '../hub/hub.ts';
import { History } from '../hub/history.ts';
import { CALL_LIMITS, HUB_LIMITS, RELAY_LIMITS } from '../hub/limits.ts';
import { hubMetrics } from '../hub/metrics.ts';
import { Refreshes } from '../hub/refreshes.ts';
import { grantsFor, serviceAccountReviewers } from '../hub/service-accounts.ts';
import { Shares } from '../hub/shares.ts';
import { Watchers } from '../hub/watchers.ts';
import { type Keepers, makeKeepers } from '../keeper/keepers.ts';
import { countingObserver, type CountingObserver } from '../keeper/metrics.ts';
import type { KeeperObserver } from '../keeper/observer.ts';
import type { Check } from '../server/admin.ts';
import type { TokenStore } from '../store/store.ts';
import { keepTickets, type KeptTickets } from '../keeper/tickets.ts';
import { IN_CLUSTER_FILES, type KubernetesApi, makeKubernetesApi } from '../kubernetes/api.ts';
import { type ServiceAccount, TokenReviews } from '../kubernetes/token-review.ts';
import { connectionMetrics } from '../server/connection-metrics.ts';
import { listen } from '../server/listen.ts';
import { ConnectionTable } from '../server/connection-table.ts';
import { makeAsk } from '../upstream/ask.ts';
import { SIGNATURE_RATE } from '../wechat/page-signature.ts';
import { makePlatformIssuer } from '../wechat/platform-issuer.ts';
import { appsWithTokens, loginStatus } from '../settings/login-apps.ts';
import { openStore, reconfigureStore } from './open-store.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from '../settings/settings.ts';
import { makePlatformRoute, type PlatformRoute } from './platform-route.ts';

/** The hub: the only holder of AppSecrets, which provides tokens to authorized callers. */
export async function startHub(
  settings: Settings,
  context: RoleContext,
  serviceAccountFiles: typeof IN_CLUSTER_FILES = IN_CLUSTER_FILES,
): Promise<RunningRole> {
  const { clock, log } = context;
  let current = settings;
  const parts = await assemble(settings, context, () => current, serviceAccountFiles);
  const { hub, keepers, store, tickets, history, route } = parts;
  const listener = await listen({
    ...makeHubHandlers(hub),
    ...settings.listen,
    halfClose: true,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    limits: HUB_LIMITS,
    connectionTable: parts.connectionTable,
    onCut: context.metrics.of(connectionMetrics).cutBy('business'),
    ...(settings.tls !== undefined && { tls: settings.tls }),
    clock,
    log,
  });
  keepers.start();

  return {
    name: 'hub',
    addresses: listener.addresses,
    port: listener.port,
    ready: [triedCheck(keepers)],
    status: () => ({
      accounts: [...keepers.status(), ...loginStatus(current.apps)],
      ...route.status(),
      inFlight: listener.inFlight(),
      watchers: hub.watchers.size,
    }),
    reconfigure(next) {
      const isRouteChanged = route.reconfigure(next);
      const apps = appsWithTokens(next.apps);
      const gone = keepers.appids().filter((appid) => !apps.some((app) => app.appid === appid));
      current = next;
      keepers.reconfigure(apps);
      reconfigureStore(store, next.store);
      for (const appid of gone) {
        hub.watchers.removed(appid);
        parts.counts.gone(appid);
      }
      tickets.keepOnly(keepers.appids());
      history.keepOnly(keepers.appids());
      hub.callers.reconfigure(next.clients);
      hub.watchers.endWhere((caller) => !hub.callers.isStillValid(caller));
      if (isRouteChanged) keepers.routeChanged();
    },
    async drain(options) {
      // Watch streams never end by themselves; their clients connect to another hub once this one accepts
      // no calls.
      const parting = clock.after(options.delayMs, () => hub.watchers.close());
      const outcome = await listener.drain(options);
      parting.cancel();
      hub.watchers.close();
      await parts.close();
      return outcome;
    },
  };
}

interface HubParts {
  readonly hub: Hub;
  readonly keepers: Keepers;
  readonly store: TokenStore;
  readonly tickets: KeptTickets;
  readonly history: History;
  readonly connectionTable: ConnectionTable;
  readonly route: PlatformRoute;
  readonly counts: CountingObserver;
  close(): Promise<void>;
}

async function assemble(
  settings: Settings,
  context: RoleContext,
  current: () => Settings,
  serviceAccountFiles: typeof IN_CLUSTER_FILES,
): Promise<HubParts> {
  const { clock, random, log, version } = context;
  const metrics = context.metrics.of(hubMetrics);
  const route = makePlatformRoute(settings, context);
  const { upstream } = route;
  const ask = makeAsk(upstream, clock);
  const history = new History(clock);
  const counts = countingObserver(context.metrics);
  const store = await openStore(settings.store, context);
  const keepers = makeKeepers({
    apps: appsWithTokens(settings.apps),
    issuer: makePlatformIssuer(ask),
    store,
    clock,
    random,
    log,
    observer: observing(
      counts,
      ({ appid, trigger, result }) => {
        const fetched = result === 'renewed' ? keepers.peek(appid)?.fingerprint : undefined;
        history.add(appid, trigger, result, fetched);
      },
      (appid) => {
        const token = keepers.peek(appid);
        if (token !== undefined && isShared(keepers, appid)) history.addFromElsewhere(appid, token);
        watchers.changed(appid);
      },
    ),
  });
  const accounts = accountsOf(keepers, () => current().apps);
  const watchers = new Watchers({ accounts, clock, log });
  const connectionTable = new ConnectionTable(HUB_LIMITS);
  metrics.watchWatchers(() => watchers.size);
  const api = makeKubernetesApi({ server: settings.kubernetes.apiServer, ...serviceAccountFiles }, clock);
  const audit = new Audit(log);
  const tickets = keepTickets({ tokens: keepers, ask, clock, random, log });
  const hub: Hub = {
    version,
    about: { name: hostname(), sinceUnixMs: clock.unixMs() },
    accounts,
    callers: new Authenticator(settings.clients, reviewersFor(api, settings, current, context), clock),
    refreshes: new Refreshes({ accounts, audit, clock }),
    watchers,
    calls: new Shares(CALL_LIMITS),
    relays: new Shares(RELAY_LIMITS),
    connectionTable,
    tickets,
    signatures: new RateLimit(SIGNATURE_RATE, clock),
    upstream,
    history,
    audit,
    metrics,
    clock,
    random,
    log,
  };
  const close = async (): Promise<void> => {
    api.close();
    tickets.close();
    await keepers.close();
    await upstream.pools.close();
  };
  return { hub, keepers, store, tickets, history, connectionTable, route, counts, close };
}

/** Whether the account is shared with other hubs. */
function isShared(keepers: Keepers, appid: string): boolean {
  return keepers.status().some((status) => status.appid === appid && status.shared !== undefined);
}

function observing(
  counting: KeeperObserver,
  onRefreshed: KeeperObserver['refreshed'],
  onChange: (appid: string) => void,
): KeeperObserver {
  return {
    ...counting,
    refreshed(event) {
      counting.refreshed(event);
      onRefreshed(event);
    },
    tokenChanged(event) {
      counting.tokenChanged(event);
      onChange(event.appid);
    },
  };
}

function reviewersFor(
  api: KubernetesApi,
  { kubernetes: { audience } }: Settings,
  current: () => Settings,
  { clock }: RoleContext,
): Reviewers {
  const rules = (): Settings['kubernetes']['allow'] => current().kubernetes.allow;
  const expects = (account: ServiceAccount): boolean => grantsFor(account, rules()).length > 0;
  return serviceAccountReviewers(new TokenReviews({ api, audience, clock, expects }), rules);
}

/** Ready when a fetch has been attempted for every account, whatever the result. */
function triedCheck(keepers: Keepers): Check {
  return {
    name: 'tokens',
    run() {
      const untried = keepers.appids().filter((appid) => !keepers.tried(appid));
      return untried.length === 0 ? undefined : `no token has been requested yet: ${untried.join(', ')}`;
    },
  };
}
