import { Secret } from '../base/secret.ts';
import { didYouMean } from '../base/did-you-mean.ts';
import { appSecretText, isAppSecret, oddityOf } from './app-secret.ts';
import { hubInClear } from './in-clear.ts';
import type { Scope } from './cells.ts';
import { defaultOf, type SettingsReader, shown } from './reader.ts';
import * as row from './table-accounts.ts';
import type { AppSettings, HubSettings, Role } from './settings.ts';

export interface Accounts {
  readonly apps: readonly AppSettings[];
  readonly defaultApp: string | undefined;
  readonly hub: HubSettings | undefined;
}

const REAL_APPID = /^wx[0-9a-f]{16}$/;

/** Which accounts there are, and whether this process holds them or asks a hub. */
export function readAccounts(reader: SettingsReader, role: Role): Accounts {
  const hub = readHub(reader);
  if (reader.given(row.hubUrl) !== undefined) return { ...readBesideHub(reader), hub };
  const { apps, givenCount } = readApps(reader);
  if (givenCount === 0 && role === 'proxy') {
    reader.problems.push(
      'no account: set WECHAT_APPID and WECHAT_APPSECRET (or WECHAT_APPSECRET_FILE), list apps in the file, ' +
        'or name a hub with WECHAT_SIDECAR_HUB_URL',
    );
  }
  if (givenCount === 0 && role === 'hub') {
    reader.problems.push('no account: a hub needs apps in the file, or WECHAT_APPID and WECHAT_APPSECRET');
  }
  return { apps, defaultApp: readDefaultApp(reader, apps, givenCount), hub };
}

function readHub(reader: SettingsReader): HubSettings | undefined {
  const urls = reader.many(row.hubUrl);
  const tokenFile = reader.one(row.hubTokenFile);
  const apps = reader.many(row.hubApps);
  const [url, file] = [reader.given(row.hubUrl), reader.given(row.hubTokenFile)];
  if (url !== undefined && file === undefined) {
    reader.problems.push(
      `${url.name}: a hub serves nobody without a credential: set WECHAT_SIDECAR_HUB_TOKEN_FILE (hub.tokenFile)`,
    );
  }
  for (const each of new Set(urls ?? [])) {
    const warning = hubInClear(url?.name ?? row.hubUrl.key, each, 'this sidecar');
    if (warning !== undefined) reader.warnings.push(warning);
  }
  if (url === undefined && file !== undefined) {
    reader.problems.push(
      `${file.name}: is for a hub, and none is named: set WECHAT_SIDECAR_HUB_URL (hub.url)`,
    );
  }
  return urls === undefined || tokenFile === undefined
    ? undefined
    : { urls: [...new Set(urls)], tokenFile, ...(apps && { apps }) };
}

/** One file may serve a hub and its proxies: the accounts in it are the hub's, and are left unread. */
function readBesideHub(reader: SettingsReader): Omit<Accounts, 'hub'> {
  const holding = [...reader.items('apps'), reader.environmentItem()].flatMap((item) => {
    const secretFile = item === reader.environmentItem() ? reader.given(row.appSecretFile, item) : undefined;
    return reader.given(row.appSecret, item) ?? secretFile ?? [];
  });
  for (const cell of holding) {
    reader.problems.push(
      `${cell.name}: a proxy with a hub must hold no secret: leave it to the hub, or take away the hub's URL`,
    );
  }
  const appid = reader.given(row.appAppid, reader.environmentItem());
  if (appid !== undefined && holding.length === 0) {
    reader.problems.push(
      `${appid.name}: with a hub, name the account of this pod with WECHAT_SIDECAR_DEFAULT_APP instead`,
    );
  }
  if (reader.items('apps').length > 0 && holding.length === 0) {
    reader.warnings.push(
      'apps in the file are left unread: this proxy has a hub, and takes every token from there',
    );
  }
  return { apps: [], defaultApp: reader.one(row.defaultApp) };
}

function readApps(reader: SettingsReader): { apps: readonly AppSettings[]; givenCount: number } {
  const fromEnv = reader.environmentItem();
  const inEnv = [row.appAppid, row.appSecret, row.appSecretFile].some(
    (setting) => reader.given(setting, fromEnv) !== undefined,
  );
  const items = inEnv ? [...reader.items('apps'), fromEnv] : reader.items('apps');
  const firstPlace = new Map<string, string>();
  const apps = items.flatMap((item) => {
    const app = readApp(reader, item);
    if (app === undefined) return [];
    const place = reader.given(row.appAppid, item)?.name ?? item.name;
    const first = firstPlace.get(app.appid);
    if (first !== undefined)
      reader.problems.push(`${place}: ${app.appid} is already an account, by ${first}`);
    firstPlace.set(app.appid, first ?? place);
    return [app];
  });
  return { apps, givenCount: items.length };
}

function readApp(reader: SettingsReader, item: Scope): AppSettings | undefined {
  const appid = reader.one(row.appAppid, item);
  const place = reader.given(row.appAppid, item)?.name;
  const secret = readAppSecret(reader, item, place ?? item.name);
  const ownMode = reader.one(row.appMode, item);
  const mode = ownMode ?? reader.one(row.appMode, reader.environmentItem()) ?? defaultOf(row.appMode);
  const name = reader.one(row.appName, item);
  if (place === undefined) {
    const cell = reader.given(row.appSecret, item) ?? reader.given(row.appSecretFile, item);
    reader.problems.push(
      item === reader.environmentItem()
        ? `${cell?.name}: is given without WECHAT_APPID, and a secret needs its account: set both`
        : `${item.name}: has no appid`,
    );
  }
  if (appid === undefined || secret === undefined) return undefined;
  if (isAppSecret(appid)) {
    reader.problems.push(
      `${place}: got a value of 32 hex digits, which is what an AppSecret looks like: were the two swapped?`,
    );
    return undefined;
  }
  const cell = reader.given(row.appSecret, item) ?? reader.given(row.appSecretFile, item);
  warnOfShapes(reader, { appid: place ?? item.name, secret: cell?.name ?? item.name }, appid, secret);
  return { appid, secret, mode, name: name ?? appid };
}

function readAppSecret(reader: SettingsReader, item: Scope, place: string): Secret | undefined {
  const inline = reader.given(row.appSecret, item);
  const file = reader.given(row.appSecretFile, item);
  const fromEnv = item === reader.environmentItem();
  if (inline !== undefined && file !== undefined) {
    reader.problems.push(`${inline.name}: both this and ${file.name} are given: keep one of the two`);
    return undefined;
  }
  if (inline === undefined && file === undefined) {
    const missing = fromEnv ? 'WECHAT_APPSECRET or WECHAT_APPSECRET_FILE' : 'secretFile or secret';
    reader.problems.push(`${place}: is an account without its AppSecret: give ${missing}`);
    return undefined;
  }
  if (file !== undefined) return reader.secretFile(row.appSecretFile, item, appSecretText);
  const text = reader.one(row.appSecret, item);
  return text === undefined ? undefined : new Secret(text);
}

function warnOfShapes(
  reader: SettingsReader,
  names: { readonly appid: string; readonly secret: string },
  appid: string,
  secret: Secret,
): void {
  const isReal = REAL_APPID.test(appid);
  if (!isReal) {
    reader.warnings.push(
      `${names.appid}: ${appid} does not look like an appid, which is wx and 16 hex digits`,
    );
  }
  const text = secret.reveal();
  const oddity =
    oddityOf(text) ??
    (isReal && !isAppSecret(text)
      ? `(length ${text.length}) does not look like one, which is 32 hex digits`
      : undefined);
  if (oddity !== undefined) reader.warnings.push(`${names.secret}: its AppSecret ${oddity}`);
}

function readDefaultApp(
  reader: SettingsReader,
  apps: readonly AppSettings[],
  givenCount: number,
): string | undefined {
  const appid = reader.one(row.defaultApp);
  const appids = apps.map((app) => app.appid);
  if (appid === undefined) return givenCount === 1 ? appids[0] : undefined;
  // With an account that could not be read the list is not whole, and its own problem is told already.
  if (!appids.includes(appid) && appids.length === givenCount && givenCount > 0) {
    const name = reader.given(row.defaultApp)?.name ?? 'defaultApp';
    const known = appids.slice(0, 5).join(', ');
    reader.problems.push(
      `${name}: ${shown(row.defaultApp, appid)} is none of the accounts (${known})${didYouMean(appid, appids)}`,
    );
  }
  return appid;
}
