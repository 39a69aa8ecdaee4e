import { createHash } from 'node:crypto';
import type { Setting } from './setting.ts';
import type { Scope } from './cells.ts';
import { type SettingsReader, shown } from './reader.ts';
import * as row from './table-accounts.ts';
import type {
  AppSettings,
  ClientSettings,
  KubernetesSettings,
  Role,
  ServiceAccountSettings,
} from './settings.ts';
import { DEFAULT_RIGHTS, RIGHTS } from '../hub-api/rights.ts';

const KEY_CHARACTERS_MIN = 16;

/** Who may use the hub. */
export function readCallers(
  reader: SettingsReader,
  role: Role,
  apps: readonly AppSettings[],
): { clients: readonly ClientSettings[]; kubernetes: Omit<KubernetesSettings, 'apiServer'> } {
  const fromEnv = reader.environmentItem();
  const envClient =
    reader.given(row.clientKeyFile, fromEnv) === undefined ? [] : readClient(reader, fromEnv, apps);
  const clients = [
    ...reader.items('clients').flatMap((item) => readClient(reader, item, apps)),
    ...envClient,
  ];
  refuseTwins(reader, clients);
  const allow = reader.items('kubernetes.allow').flatMap((item) => readAllowed(reader, item, apps));
  if (role === 'hub' && reader.problems.length === 0 && clients.length === 0 && allow.length === 0) {
    reader.warnings.push(
      'nobody may use this hub yet: set WECHAT_HUB_CLIENT_KEY_FILE, clients or kubernetes.allow',
    );
  }
  return { clients, kubernetes: { audience: reader.oneOrDefault(row.kubernetesAudience), allow } };
}

function readClient(
  reader: SettingsReader,
  item: Scope,
  apps: readonly AppSettings[],
): readonly ClientSettings[] {
  const fromEnv = item === reader.environmentItem();
  const name = fromEnv ? 'default' : required(reader, item, row.clientName);
  const usable = fromEnv ? ['*'] : readUsable(reader, item, row.clientApps, apps);
  const may = fromEnv ? RIGHTS : (reader.many(row.clientMay, item) ?? DEFAULT_RIGHTS);
  const [hash, file] = [reader.given(row.clientKeySha256, item), reader.given(row.clientKeyFile, item)];
  if (hash !== undefined && file !== undefined) {
    reader.problems.push(`${hash.name}: both this and ${file.name} are given: keep one of the two`);
    return [];
  }
  if (hash === undefined && file === undefined) {
    reader.problems.push(`${item.name}: has no key: give keySha256 or keyFile`);
    return [];
  }
  const keySha256 = hash === undefined ? hashOfKeyFile(reader, item) : reader.one(row.clientKeySha256, item);
  if (name === undefined || usable === undefined || keySha256 === undefined) return [];
  const urlHosts = fromEnv ? undefined : reader.many(row.clientUrlHosts, item);
  return [{ name, keySha256, apps: usable, may, ...(urlHosts && { urlHosts }) }];
}

function hashOfKeyFile(reader: SettingsReader, item: Scope): string | undefined {
  const key = reader.secretFile(row.clientKeyFile, item)?.reveal();
  if (key === undefined) return undefined;
  const place = reader.given(row.clientKeyFile, item)?.name ?? item.name;
  if (/^["'`]|["'`]$/.test(key)) {
    reader.warnings.push(`${place}: the key has quotes around it, which are part of it here: take them away`);
  } else if (!/^[\x21-\x7e]+$/.test(key)) {
    reader.warnings.push(
      `${place}: the key has characters other than visible ASCII in it, and no caller can send it as a credential`,
    );
  }
  if (key.length < KEY_CHARACTERS_MIN) {
    reader.warnings.push(`${place}: the key has ${key.length} characters and is easily guessed`);
  }
  return createHash('sha256').update(key).digest('hex');
}

function readAllowed(
  reader: SettingsReader,
  item: Scope,
  apps: readonly AppSettings[],
): readonly ServiceAccountSettings[] {
  const namespace = required(reader, item, row.allowNamespace);
  const serviceAccount = required(reader, item, row.allowServiceAccount);
  const usable = readUsable(reader, item, row.allowApps, apps);
  const may = reader.many(row.allowMay, item) ?? DEFAULT_RIGHTS;
  if (namespace === undefined || serviceAccount === undefined || usable === undefined) return [];
  const urlHosts = reader.many(row.allowUrlHosts, item);
  return [{ namespace, serviceAccount, apps: usable, may, ...(urlHosts && { urlHosts }) }];
}

function required(reader: SettingsReader, item: Scope, setting: Setting<string>): string | undefined {
  if (reader.given(setting, item) === undefined) missing(reader, item, setting);
  return reader.one(setting, item);
}

function readUsable(
  reader: SettingsReader,
  item: Scope,
  setting: Setting<string>,
  apps: readonly AppSettings[],
): readonly string[] | undefined {
  const cell = reader.given(setting, item);
  if (cell === undefined) missing(reader, item, setting);
  const usable = reader.many(setting, item);
  for (const appid of usable ?? []) {
    if (appid !== '*' && !apps.some((app) => app.appid === appid))
      reader.warnings.push(`${cell?.name}: ${shown(setting, appid)} is none of the accounts of this hub`);
  }
  return usable;
}

function missing(reader: SettingsReader, item: Scope, setting: Setting<string>): void {
  const name = setting.key.slice(setting.key.lastIndexOf('.') + 1);
  reader.problems.push(`${item.name}: has no ${name}: give ${setting.form.accepted}`);
}

/** Two clients that share a name or a key could not be told apart in logs. */
function refuseTwins(reader: SettingsReader, clients: readonly ClientSettings[]): void {
  const twins = (of: (client: ClientSettings) => string): string[] =>
    clients
      .filter((client, index) => clients.findIndex((other) => of(other) === of(client)) < index)
      .map((client) => client.name);
  for (const name of twins((client) => client.name))
    reader.problems.push(`clients: the name ${name} is given twice`);
  for (const name of twins((client) => client.keySha256))
    reader.problems.push(`clients: the key of ${name} is that of another client too`);
}
