import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { LruTable } from '../base/lru-table.ts';
import type { Random } from '../base/random.ts';
import type { Refusal, ReportAnswer, TokenAnswer, TokenSource, Unavailable } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import type { Credentials, Issuer } from '../wechat/issuer.ts';
import { Keeper } from './keeper.ts';
import { type KeeperObserver, silentObserver } from './observer.ts';
import type { AccountStatus } from './status.ts';
import type { TokenStore } from '../store/store.ts';

/** How many current and former tokens we recognize as ours. */
export const FINGERPRINTS_MAX = 10_000;

export interface KeepersParts {
  readonly apps: readonly Credentials[];
  readonly issuer: Issuer;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer?: KeeperObserver;
}

/** Keeps the tokens of several accounts in this process. */
export interface Keepers extends TokenSource {
  /** `caller` separates reporters, so that one cannot crowd out the others. */
  report(appid: string, refusal: Refusal, caller?: string): Promise<ReportAnswer>;
  /** Whether a report starts nothing: the token is not current, or a look or hold covers the path. */
  isFreeReport(appid: string, refusal: Refusal, caller: string): boolean;
  /** Fetches the first tokens; call it once. */
  start(): void;
  appids(): readonly string[];
  /** Returns the account's live token, if any, without waiting: for the hot path. */
  peek(appid: string): Token | undefined;
  /** For programs that keep the token themselves: if the token is being renewed, waits for its successor. */
  lastingToken(appid: string): Promise<TokenAnswer>;
  /** Applies changed accounts: added, removed, with another secret or mode. */
  reconfigure(apps: readonly Credentials[]): void;
  /** The route to the platform has changed: accounts that back off after a failure retry at once. */
  routeChanged(): void;
  /** A person requests a new token now. Returns the current one if no other is available. */
  refreshNow(appid: string): Promise<TokenAnswer>;
  status(): readonly AccountStatus[];
  /** Whether the account's first fetch has ended, successfully or not, or the store had a token. */
  tried(appid: string): boolean;
  hasHadToken(appid: string): boolean;
  /** Ends all waits, and flushes the store. */
  close(): Promise<void>;
}

export function makeKeepers(parts: KeepersParts): Keepers {
  const { store } = parts;
  const owners = new LruTable<string, string>(FINGERPRINTS_MAX);
  const keepers = new Map<string, Keeper>();
  const observer = parts.observer ?? silentObserver;
  let isStarted = false;

  const add = (app: Credentials): void => {
    const keeper = new Keeper({
      ...parts,
      app,
      isKnown: (fingerprint) => owners.has(fingerprint),
      observer: {
        ...observer,
        tokenChanged(event) {
          owners.set(event.fingerprint, event.appid);
          observer.tokenChanged(event);
        },
      },
    });
    keepers.set(app.appid, keeper);
    if (isStarted) keeper.start();
  };
  for (const app of parts.apps) add(app);

  return {
    start() {
      isStarted = true;
      for (const keeper of keepers.values()) keeper.start();
    },
    appids: () => [...keepers.keys()],
    peek: (appid) => keepers.get(appid)?.peek(),
    token: async (appid) => keepers.get(appid)?.token() ?? unknownAccount(),
    lastingToken: async (appid) => keepers.get(appid)?.lastingToken() ?? unknownAccount(),
    report: async (appid, refusal, caller = 'this process') =>
      keepers.get(appid)?.report(refusal, caller) ?? unknownAccount(),
    isFreeReport: (appid, refusal, caller) => keepers.get(appid)?.isFree(refusal, caller) ?? true,
    refreshNow: async (appid) => keepers.get(appid)?.refreshNow() ?? unknownAccount(),
    ownerOf: (fingerprint) => {
      const appid = owners.get(fingerprint);
      return appid !== undefined && keepers.has(appid) ? appid : undefined;
    },
    reconfigure(apps) {
      const wanted = new Map(apps.map((app) => [app.appid, app]));
      for (const [appid, keeper] of keepers) {
        const app = wanted.get(appid);
        if (app === undefined) {
          keeper.close();
          keepers.delete(appid);
        } else if (app.mode !== keeper.app.mode || !app.secret.equals(keeper.app.secret)) {
          keeper.reconfigure(app);
        }
      }
      for (const app of wanted.values()) if (!keepers.has(app.appid)) add(app);
    },
    routeChanged() {
      for (const keeper of keepers.values()) {
        if (keeper.status().phase === 'resting') keeper.reconfigure(keeper.app);
      }
    },
    status: () => [...keepers.values()].map((keeper) => keeper.status()),
    tried: (appid) => keepers.get(appid)?.wasTried() ?? false,
    hasHadToken: (appid) => keepers.get(appid)?.hasHadToken() ?? false,
    async close() {
      for (const keeper of keepers.values()) keeper.close();
      await store.close();
    },
  };
}

function unknownAccount(): Unavailable {
  return {
    kind: 'unavailable',
    errcode: 40013,
    message: 'No such account is configured here: add its appid to the settings, or correct the appid.',
  };
}
