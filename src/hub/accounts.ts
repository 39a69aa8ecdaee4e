import type { Secret } from '../base/secret.ts';
import type { Keepers } from '../keeper/keepers.ts';
import { LOGIN_ONLY } from '../token/source.ts';
import type { AppMode } from '../token/token.ts';

/** An account, without its token. */
export interface HubApp {
  readonly appid: string;
  readonly name: string;
  readonly mode: AppMode;
}

/** The accounts that this hub holds. */
export interface HubAccounts extends Pick<
  Keepers,
  'token' | 'lastingToken' | 'report' | 'isFreeReport' | 'refreshNow' | 'peek' | 'status' | 'ownerOf'
> {
  list(): readonly HubApp[];
  has(appid: string): boolean;
  /** Whether the account is for login only and has no token. */
  isLoginOnly(appid: string): boolean;
  secretOf(appid: string): Secret | undefined;
}

/** An account from the settings. */
export interface HeldApp extends HubApp {
  readonly secret: Secret;
}

/** The accounts of these keepers, as listed in the current settings. */
export function accountsOf(keepers: Keepers, apps: () => readonly HeldApp[]): HubAccounts {
  const find = (appid: string): HeldApp | undefined => apps().find((app) => app.appid === appid);
  const isLoginOnly = (appid: string): boolean => find(appid)?.mode === 'login';
  return {
    isLoginOnly,
    token: async (appid) => (isLoginOnly(appid) ? LOGIN_ONLY : keepers.token(appid)),
    lastingToken: async (appid) => (isLoginOnly(appid) ? LOGIN_ONLY : keepers.lastingToken(appid)),
    report: async (appid, refusal, caller) =>
      isLoginOnly(appid) ? LOGIN_ONLY : keepers.report(appid, refusal, caller),
    isFreeReport: (appid, refusal, caller) => keepers.isFreeReport(appid, refusal, caller),
    refreshNow: async (appid) => (isLoginOnly(appid) ? LOGIN_ONLY : keepers.refreshNow(appid)),
    peek: (appid) => keepers.peek(appid),
    status: () => keepers.status(),
    ownerOf: (fingerprint) => keepers.ownerOf(fingerprint),
    list: () => apps().map(({ appid, name, mode }) => ({ appid, name, mode })),
    has: (appid) => find(appid) !== undefined,
    secretOf: (appid) => find(appid)?.secret,
  };
}
