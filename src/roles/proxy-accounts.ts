import { type Keepers, makeKeepers } from '../keeper/keepers.ts';
import { countingObserver, tokenMetrics } from '../keeper/metrics.ts';
import type { KeeperObserver } from '../keeper/observer.ts';
import { keepTickets } from '../keeper/tickets.ts';
import { HubAccounts } from '../hub-client/accounts.ts';
import { readBearer } from '../hub-client/bearer.ts';
import { makeHubHttp } from '../hub-client/http.ts';
import type { Accounts } from '../proxy/sidecar.ts';
import type { Check } from '../server/admin.ts';
import { LOGIN_ONLY } from '../token/source.ts';
import { makeAsk } from '../upstream/ask.ts';
import type { Authorities } from '../upstream/authorities.ts';
import type { Upstream } from '../upstream/exchange.ts';
import { signPage } from '../wechat/page-signature.ts';
import { makePlatformIssuer } from '../wechat/platform-issuer.ts';
import { appsWithTokens, loginOnly, loginStatus } from '../settings/login-apps.ts';
import { openStore, reconfigureStore } from './open-store.ts';
import type { RoleContext } from './role.ts';
import type { HubSettings } from '../settings/accounts.ts';
import type { Settings } from '../settings/settings.ts';
import type { Tickets } from '../token/ticket.ts';

/** Where a proxy gets its tokens from. */
export interface ProxyAccounts {
  readonly accounts: Accounts;
  /** Starts fetching tokens; waits a limited time for what calls need at once. */
  start(): Promise<void>;
  /** The account of a call that does not name one. */
  defaultApp(): string | undefined;
  /** Why the default account is unknown, if the hub has not sent it yet. */
  defaultAppUnknown(): string | undefined;
  readonly ready: Check;
  /** Calls the listener with each account that gets a new token. */
  onTokenChange(listener: (appid: string) => void): void;
  /** This part of `/status`. */
  status(): object;
  reconfigure(settings: Settings): void;
  /**
   * Called when the route to the platform has changed: fetches that failed because it was unreachable are
   * retried.
   */
  routeChanged(): void;
  close(): Promise<void>;
}

/** Accounts whose AppSecrets this process holds. */
export async function makeOwnAccounts(
  settings: Settings,
  context: RoleContext,
  upstream: Upstream,
): Promise<ProxyAccounts> {
  let current = settings;
  const ask = makeAsk(upstream, context.clock);
  let changed: (appid: string) => void = () => {};
  const store = await openStore(settings.store, context);
  const counts = countingObserver(context.metrics);
  const keepers = makeKeepers({
    ...context,
    apps: appsWithTokens(settings.apps),
    issuer: makePlatformIssuer(ask),
    store,
    observer: withTokenListener(counts, (appid) => changed(appid)),
  });
  const tickets = keepTickets({ ...context, tokens: keepers, ask });
  let withoutTokens = loginOnly(settings.apps);
  let byAppid = byAppidOf(settings.apps);
  const isLoginOnly = (appid: string): boolean => withoutTokens.has(appid);
  return {
    accounts: ownAccounts({
      keepers,
      tickets,
      isLoginOnly,
      appOf: (appid) => byAppid.get(appid),
      moment: context,
    }),
    start() {
      keepers.start();
      return Promise.resolve();
    },
    defaultApp: () => current.defaultApp,
    defaultAppUnknown: () => undefined,
    ready: tokenCheck({
      defaultApp: () => current.defaultApp,
      isReady: (appid) => isLoginOnly(appid) || keepers.hasHadToken(appid),
      untried() {
        const untried = keepers.appids().filter((appid) => !keepers.tried(appid));
        return untried.length === 0 ? undefined : `no token has been requested yet: ${untried.join(', ')}`;
      },
    }),
    onTokenChange: (listener) => void (changed = listener),
    status: () => ({ accounts: [...keepers.status(), ...loginStatus(current.apps)] }),
    reconfigure(next) {
      const apps = appsWithTokens(next.apps);
      const kept = new Set(apps.map(({ appid }) => appid));
      for (const appid of keepers.appids()) if (!kept.has(appid)) counts.gone(appid);
      current = next;
      withoutTokens = loginOnly(next.apps);
      byAppid = byAppidOf(next.apps);
      keepers.reconfigure(apps);
      reconfigureStore(store, next.store);
      tickets.keepOnly(keepers.appids());
    },
    routeChanged: () => keepers.routeChanged(),
    close() {
      tickets.close();
      return keepers.close();
    },
  };
}

type App = Settings['apps'][number];

function byAppidOf(apps: readonly App[]): ReadonlyMap<string, App> {
  return new Map(apps.map((app) => [app.appid, app]));
}

interface OwnParts {
  readonly keepers: Keepers;
  readonly tickets: Tickets;
  readonly isLoginOnly: (appid: string) => boolean;
  readonly appOf: (appid: string) => App | undefined;
  readonly moment: Pick<RoleContext, 'clock' | 'random'>;
}

function ownAccounts({ keepers, tickets, isLoginOnly, appOf, moment }: OwnParts): Accounts {
  const ticket: Accounts['ticket'] = async (appid, type) =>
    isLoginOnly(appid) ? LOGIN_ONLY : tickets.ticket(appid, type);
  return {
    token: (appid) => (isLoginOnly(appid) ? Promise.resolve(LOGIN_ONLY) : keepers.token(appid)),
    peek: (appid) => keepers.peek(appid),
    report: (appid, refusal) => keepers.report(appid, refusal),
    ownerOf: (fingerprint) => keepers.ownerOf(fingerprint),
    knows: (appid) => appOf(appid) !== undefined,
    isLoginOnly,
    ticket,
    async signPage(appid, url) {
      const answer = await ticket(appid, 'jsapi');
      if (answer.kind === 'unavailable') return answer;
      return { kind: 'signed', signature: signPage(appid, answer.ticket.value, url, moment) };
    },
    secretOf(appid) {
      const secret = appOf(appid)?.secret;
      return secret === undefined ? undefined : { kind: 'here', secret };
    },
  };
}

function withTokenListener(observer: KeeperObserver, changed: (appid: string) => void): KeeperObserver {
  return {
    ...observer,
    tokenChanged(event) {
      observer.tokenChanged(event);
      changed(event.appid);
    },
  };
}

/** Accounts that a hub manages for us. */
export function makeHubBackedAccounts(
  settings: Settings,
  hub: HubSettings,
  context: RoleContext,
  authorities: Authorities,
): ProxyAccounts {
  let current = settings;
  const { connectMs, answerMs, idleMs } = settings.timeouts;
  let changed: (appid: string) => void = () => {};
  const tokens = context.metrics.of(tokenMetrics);
  const accounts = new HubAccounts({
    ...context,
    urls: hub.urls,
    only: hub.apps,
    readBearer: () => readBearer(hub.tokenFile),
    http: makeHubHttp({
      connectTimeoutMs: connectMs,
      // The hub waits this long for the platform and then responds with an error.
      answerTimeoutMs: answerMs + HUB_ANSWER_MARGIN_MS,
      idleTimeoutMs: Math.max(idleMs, STREAM_IDLE_MS),
      // The hub may have a cluster-internal name, which plain DNS does not resolve without the search
      // domains.
      resolve: 'system',
      authorities,
      clock: context.clock,
    }),
    onToken({ appid, expiresAtUnixMs }) {
      tokens.expiresAt(appid, expiresAtUnixMs);
      changed(appid);
    },
    onGone: (appid) => tokens.gone(appid),
  });
  const defaultApp = (): string | undefined => current.defaultApp ?? accounts.onlyAppid();
  return {
    accounts,
    start: () => accounts.start(),
    defaultApp,
    defaultAppUnknown: () =>
      accounts.isListed() ? undefined : `this call names no account, and ${NOT_LISTED}`,
    ready: tokenCheck({
      defaultApp,
      isReady: (appid) => accounts.isLoginOnly(appid) || accounts.hasHadToken(appid),
      untried: () => (accounts.isListed() ? undefined : NOT_LISTED),
    }),
    onTokenChange: (listener) => void (changed = listener),
    status() {
      const { accounts: copies, ...rest } = accounts.status();
      return { accounts: copies, hub: rest };
    },
    reconfigure(next) {
      current = next;
    },
    // The hub does not use this route.
    routeChanged() {},
    close: () => accounts.close(),
  };
}

const NOT_LISTED = 'the account list has not been received from the hub yet; see /status';

const HUB_ANSWER_MARGIN_MS = 5_000;
/** Longer than the watch itself waits for a heartbeat. */
const STREAM_IDLE_MS = 60_000;

interface Checked {
  readonly defaultApp: () => string | undefined;
  /** The account has had a token, or needs none. */
  readonly isReady: (appid: string) => boolean;
  /** The accounts that have not been tried yet, as a message; `undefined` if there are none. */
  readonly untried: () => string | undefined;
}

/** Ready when the default account has had a token; without a default account, when each account was tried. */
function tokenCheck({ defaultApp, isReady, untried }: Checked): Check {
  return {
    name: 'tokens',
    run() {
      const appid = defaultApp();
      if (appid === undefined) return untried();
      return isReady(appid) ? undefined : `the account ${appid} has had no token yet; see /status`;
    },
  };
}
