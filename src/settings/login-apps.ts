import type { Credentials } from '../wechat/issuer.ts';
import { LOGIN_ONLY_NEXT } from '../token/source.ts';
import type { AppSettings } from './accounts.ts';

/** The accounts with tokens; the others are only used for login. */
export function appsWithTokens(apps: readonly AppSettings[]): readonly (AppSettings & Credentials)[] {
  return apps.filter((app): app is AppSettings & Credentials => app.mode !== 'login');
}

export function loginOnly(apps: readonly AppSettings[]): ReadonlySet<string> {
  return new Set(loginStatus(apps).map(({ appid }) => appid));
}

/** The part of `/status` for login-only accounts. */
export function loginStatus(
  apps: readonly AppSettings[],
): { readonly appid: string; readonly mode: 'login'; readonly next: string }[] {
  return apps.flatMap(({ appid, mode }) =>
    mode === 'login' ? [{ appid, mode, next: LOGIN_ONLY_NEXT }] : [],
  );
}
