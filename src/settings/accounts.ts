import { didYouMean } from '../base/did-you-mean.ts';
import { Secret } from '../base/secret.ts';
import type { AppMode } from '../token/token.ts';
import { isPlatformAppid } from '../wechat/appid.ts';
import type { Credentials } from '../wechat/issuer.ts';
import { appSecretText, isAppSecret, oddityOf } from './app-secret.ts';
import { hubInClear } from './in-clear.ts';
import { ENVIRONMENT_ITEM } from './raw.ts';
import { type SettingsReader, shown } from './reader.ts';
import type { Role } from './role.ts';
import type { Values } from './schema.ts';

export interface AppSettings extends Omit<Credentials, 'mode'> {
  readonly mode: AppMode;
  /** For people; defaults to the appid. */
  readonly name: string;
}

export type HubSettings = NonNullable<Values['hub']>;

export interface Accounts {
  /** The accounts whose secrets this process holds; empty for a proxy with a hub. */
  readonly apps: readonly AppSettings[];
  /** The account of a call that names none: the configured one, else the only one of `apps`. */
  readonly defaultApp: string | undefined;
  readonly hub: HubSettings | undefined;
}

/** Reads which accounts there are, and whether this process holds them or asks a hub. */
export function readAccounts(reader: SettingsReader, role: Role): Accounts {
  const { hub } = reader.values;
  checkHub(reader);
  if (reader.given('hub.url') !== undefined) {
    checkBesideHub(reader);
    return { apps: [], defaultApp: reader.values.defaultApp, hub };
  }
  const apps = readApps(reader);
  const givenCount = reader.items('apps').length;
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

function checkHub(reader: SettingsReader): void {
  const [hasUrl, hasFile] = [reader.given('hub.url'), reader.given('hub.tokenFile')].map(Boolean);
  if (hasUrl && !hasFile) {
    reader.refuse(
      'hub.url',
      'a hub serves nobody without a credential: set WECHAT_SIDECAR_HUB_TOKEN_FILE (hub.tokenFile)',
    );
  }
  if (!hasUrl && hasFile) {
    reader.refuse('hub.tokenFile', 'is for a hub, and none is named: set WECHAT_SIDECAR_HUB_URL (hub.url)');
  }
  for (const url of reader.values.hub?.urls ?? [])
    reader.addWarning(hubInClear(reader.nameOf('hub.url'), url, 'this sidecar'));
}

/** One file may serve a hub and its proxies: the accounts in it are the hub's, and a proxy ignores them. */
function checkBesideHub(reader: SettingsReader): void {
  const items = reader.items('apps');
  const holding = [...items.entries()].flatMap(([index, item]) => {
    const secretFile = item === ENVIRONMENT_ITEM ? reader.given(`apps[${index}].secretFile`) : undefined;
    return reader.given(`apps[${index}].secret`) ?? secretFile ?? [];
  });
  for (const name of holding) {
    reader.problems.push(
      `${name}: a proxy with a hub must not have a secret: leave it to the hub, or remove the hub's URL`,
    );
  }
  if (holding.length > 0 || items.length === 0) return;
  if (items.at(-1) === ENVIRONMENT_ITEM) {
    reader.refuse(
      `apps[${items.length - 1}].appid`,
      'with a hub, name the account of this pod with WECHAT_SIDECAR_DEFAULT_APP instead',
    );
  }
  reader.warnings.push('apps in the file are ignored: this proxy has a hub, and gets every token from it');
}

function readApps(reader: SettingsReader): readonly AppSettings[] {
  const firstPlace = new Map<string, string>();
  return [...reader.items('apps').entries()].flatMap(([index, item]) => {
    const app = readApp(reader, index, item);
    if (app === undefined) return [];
    const place = reader.nameOf(`apps[${index}].appid`);
    const first = firstPlace.get(app.appid);
    if (first !== undefined)
      reader.problems.push(`${place}: ${app.appid} is already an account, by ${first}`);
    firstPlace.set(app.appid, first ?? place);
    return [app];
  });
}

function readApp(reader: SettingsReader, index: number, item: string): AppSettings | undefined {
  const place = reader.given(`apps[${index}].appid`);
  const secretPlace = reader.given(`apps[${index}].secret`) ?? reader.given(`apps[${index}].secretFile`);
  const secret = readAppSecret(reader, index, place ?? item);
  if (place === undefined) {
    reader.problems.push(
      item === ENVIRONMENT_ITEM
        ? `${secretPlace}: is set without WECHAT_APPID, and a secret needs its account: set both`
        : `${item}: has no appid`,
    );
  }
  const { appid, mode, name } = reader.values.apps[index] ?? {};
  if (appid === undefined || secret === undefined || mode === undefined) return undefined;
  if (isAppSecret(appid)) {
    reader.refuse(
      `apps[${index}].appid`,
      'got a value of 32 hex digits, which is what an AppSecret looks like: were the two swapped?',
    );
    return undefined;
  }
  warnOfShapes(reader, { appid: place ?? item, secret: secretPlace ?? item }, appid, secret);
  return { appid, secret, mode, name: name ?? appid };
}

function readAppSecret(reader: SettingsReader, index: number, place: string): Secret | undefined {
  const [inline, file] = [`apps[${index}].secret`, `apps[${index}].secretFile`] as const;
  if (!reader.onlyOne(inline, file)) return undefined;
  if (reader.given(inline) === undefined && reader.given(file) === undefined) {
    const isInEnvironment = reader.items('apps')[index] === ENVIRONMENT_ITEM;
    const missing = isInEnvironment ? 'WECHAT_APPSECRET or WECHAT_APPSECRET_FILE' : 'secretFile or secret';
    reader.problems.push(`${place}: is an account without its AppSecret: set ${missing}`);
  }
  const text = reader.values.apps[index]?.secret;
  return text === undefined ? reader.content(file, appSecretText) : new Secret(text);
}

function warnOfShapes(
  reader: SettingsReader,
  names: { readonly appid: string; readonly secret: string },
  appid: string,
  secret: Secret,
): void {
  const isReal = isPlatformAppid(appid);
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
  const appid = reader.values.defaultApp;
  const appids = apps.map((app) => app.appid);
  if (appid === undefined) return givenCount === 1 ? appids[0] : undefined;
  // If an account could not be read the list is incomplete, and that problem is already reported.
  if (!appids.includes(appid) && appids.length === givenCount && givenCount > 0) {
    const known = appids.slice(0, 5).join(', ');
    reader.refuse(
      'defaultApp',
      `${shown({}, appid)} is none of the accounts (${known})${didYouMean(appid, appids)}`,
    );
  }
  return appid;
}
