import type { AccountStatus } from '../../keeper/status.ts';
import type { TokenMode } from '../../token/token.ts';
import { type Caller, mayDo, isAuthorized } from '../authenticator.ts';
import type { History } from '../history.ts';
import type { HubApp } from '../accounts.ts';
import type { Hub } from '../hub.ts';
import type { WatcherView } from '../watchers.ts';
import { failureWords } from './failure-words.ts';
import type { PageAccount, PageData, SidecarRow } from './shapes.ts';
import type { Language } from './words.ts';

/** From the platform's documentation of the two endpoints. */
const FETCHES_A_DAY: Readonly<Record<TokenMode, number>> = { stable: 500_000, classic: 2_000 };
export const ROWS_MAX = 200;

export function pageData(hub: Hub, caller: Caller, language: Language): PageData {
  const { accounts, clock, about, version } = hub;
  const apps = accounts.list().filter(({ appid }) => isAuthorized(caller, appid));
  const statuses = new Map(accounts.status().map((status) => [status.appid, status]));
  return {
    nowMs: clock.unixMs(),
    hub: { name: about.name, version, sinceMs: about.sinceUnixMs },
    accounts: apps
      .filter((app): app is TokenApp => app.mode !== 'login')
      .map((app) => ({
        ...accountOf(app, statuses.get(app.appid), hub, language),
        mayRefresh: mayDo(caller, 'refresh', app.appid),
      })),
    logins: apps.flatMap(({ appid, name, mode }) => (mode === 'login' ? [{ appid, name }] : [])),
    sidecars: sidecarsOf(hub.watchers.list(), caller),
  };
}

type TokenApp = HubApp & { readonly mode: TokenMode };

function accountOf(
  app: TokenApp,
  status: AccountStatus | undefined,
  { history }: Hub,
  language: Language,
): Omit<PageAccount, 'mayRefresh'> {
  const { appid, name, mode } = app;
  const failure = status?.lastFailure;
  const used = status?.forcedLastDay ?? 0;
  return {
    appid,
    name,
    mode,
    state: stateOf(status),
    ...(status?.fingerprint !== undefined && { fingerprint: status.fingerprint }),
    ...(status?.issuedAtUnixMs !== undefined && { issuedMs: status.issuedAtUnixMs }),
    ...(status?.expiresAtUnixMs !== undefined && { expiresMs: status.expiresAtUnixMs }),
    ...(status?.nextRefreshUnixMs !== undefined && { nextMs: status.nextRefreshUnixMs }),
    ...(failure !== undefined && {
      failure: {
        words: failureWords(failure, language),
        sinceMs: failure.sinceUnixMs,
        lastMs: failure.lastUnixMs,
        times: failure.times,
        over: failure.over,
        ...('rid' in failure && { rid: failure.rid }),
      },
    }),
    refreshes: history.of(appid),
    fetches: { used: status?.fetchesLastDay ?? 0, max: FETCHES_A_DAY[mode] },
    ...(mode === 'stable' && { forced: { used, max: used + (status?.forcedLeft ?? 0) } }),
    ...(status?.shared !== undefined && { shared: sharedOf(status, status.shared, history) }),
  };
}

function sharedOf(
  { appid, fingerprint }: AccountStatus,
  { holder, store, refreshing, by }: NonNullable<AccountStatus['shared']>,
  history: History,
): NonNullable<PageAccount['shared']> {
  const isFetched = fingerprint !== undefined && history.isFetchedHere(appid, fingerprint);
  const isHere = refreshing === 'here' || (refreshing !== 'elsewhere' && isFetched);
  const name = isHere ? holder : by;
  const isAlone = refreshing === 'alone' || refreshing === 'withheld';
  const trouble = isAlone ? refreshing : store === 'connected' ? undefined : store;
  return {
    by: isHere ? 'here' : 'elsewhere',
    ...(name !== undefined && { name }),
    ...(trouble !== undefined && { trouble }),
  };
}

function stateOf(status: AccountStatus | undefined): PageAccount['state'] {
  if (status === undefined) return 'none';
  const isCutOff = status.shared !== undefined && status.shared.store !== 'connected';
  if (status.lastFailure?.over === false) return status.fingerprint === undefined ? 'none' : 'failing';
  if (status.phase === 'fetching' || status.phase === 'probing' || status.suspected) return 'renewing';
  if (status.fingerprint === undefined) return 'none';
  return isCutOff ? 'failing' : 'good';
}

/** A caller that may not use every account sees only its own sidecars. */
function sidecarsOf(watchers: readonly WatcherView[], viewer: Caller): PageData['sidecars'] {
  const seesAll = isAuthorized(viewer, '*');
  const rows = new Map<string, SidecarRow>();
  let total = 0;
  for (const { caller, address, sinceUnixMs } of watchers) {
    if (!seesAll && !(caller.kind === viewer.kind && caller.name === viewer.name)) continue;
    total += 1;
    const key = `${caller.kind} ${caller.name} ${caller.pod ?? ''} ${address}`;
    const row = rows.get(key);
    rows.set(key, {
      caller: caller.name,
      kind: caller.kind,
      address,
      ...(caller.pod !== undefined && { pod: caller.pod }),
      streams: (row?.streams ?? 0) + 1,
      sinceMs: Math.min(row?.sinceMs ?? Infinity, sinceUnixMs),
    });
  }
  const sorted = [...rows.values()].toSorted(
    (one, other) => one.caller.localeCompare(other.caller) || one.address.localeCompare(other.address),
  );
  return { total, rows: sorted.slice(0, ROWS_MAX) };
}
