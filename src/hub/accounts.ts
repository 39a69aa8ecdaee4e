import type { Secret } from '../base/secret.ts';
import type { Keepers } from '../keeper/keepers.ts';
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
  /** Whether the account only logs people in, and has no token. */
  isLoginOnly(appid: string): boolean;
  secretOf(appid: string): Secret | undefined;
}
