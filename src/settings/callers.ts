import { createHash } from 'node:crypto';
import type * as z from 'zod/mini';
import { DEFAULT_RIGHTS, type Right, RIGHTS } from '../hub-api/rights.ts';
import type { AppSettings } from './accounts.ts';
import { ENVIRONMENT_ITEM } from './raw.ts';
import { type SettingsReader, shown } from './reader.ts';
import type { Role } from './role.ts';
import type { Key, Values } from './schema.ts';
import { acceptedBy, appidOrAll, kubernetesName, kubernetesNameOrAll, label } from './types.ts';

/** The rights of a caller of the hub. */
interface Rights {
  /** The appids it may use; `*` means every account. */
  readonly apps: readonly string[];
  /** What it may do with them. */
  readonly may: readonly Right[];
  /** The only hosts whose pages it may have signed; undefined: all. */
  readonly urlHosts?: readonly string[] | undefined;
}

export interface Authenticator {
  /** Callers identified by a key. */
  readonly clients: readonly (Rights & {
    readonly name: string;
    /** The SHA-256 of its key: 64 hex digits in lower case. */
    readonly keySha256: string;
  })[];
  /** Kubernetes service accounts; `*` means every one of the namespace. */
  readonly allow: readonly (Rights & { readonly namespace: string; readonly serviceAccount: string })[];
}

type Client = Authenticator['clients'][number];
type List = 'clients' | 'kubernetes.allow';

const KEY_CHARACTERS_MIN = 16;

/** The callers that may use the hub. */
export function readCallers(reader: SettingsReader, role: Role, apps: readonly AppSettings[]): Authenticator {
  const clients = reader.values.clients.flatMap((given, index) => readClient(reader, index, given, apps));
  refuseTwins(reader, clients);
  const allow = reader.values.kubernetes.allow.flatMap((item, index) => {
    const { namespace, serviceAccount, may = DEFAULT_RIGHTS, jssdk } = item;
    need(reader, 'kubernetes.allow', index, 'namespace', kubernetesName);
    need(reader, 'kubernetes.allow', index, 'serviceAccount', kubernetesNameOrAll);
    const usable = readUsable(reader, 'kubernetes.allow', index, item.apps, apps);
    if (namespace === undefined || serviceAccount === undefined || usable === undefined) return [];
    return [{ namespace, serviceAccount, apps: usable, may, ...urlHostsOf(jssdk) }];
  });
  if (role === 'hub' && clients.length === 0 && allow.length === 0) {
    reader.warnings.push(
      'nobody may use this hub yet: set WECHAT_HUB_CLIENT_KEY_FILE, clients or kubernetes.allow',
    );
  }
  return { clients, allow };
}

function readClient(
  reader: SettingsReader,
  index: number,
  given: Values['clients'][number],
  apps: readonly AppSettings[],
): readonly Client[] {
  const item = reader.items('clients')[index];
  const { name, may = DEFAULT_RIGHTS, jssdk } = given;
  if (item === ENVIRONMENT_ITEM) {
    const keySha256 = hashOfKeyFile(reader, index);
    return keySha256 === undefined ? [] : [{ name: 'default', keySha256, apps: ['*'], may: RIGHTS }];
  }
  need(reader, 'clients', index, 'name', label);
  const usable = readUsable(reader, 'clients', index, given.apps, apps);
  const [hash, file] = [`clients[${index}].keySha256`, `clients[${index}].keyFile`] as const;
  if (!reader.onlyOne(hash, file)) return [];
  if (reader.given(hash) === undefined && reader.given(file) === undefined) {
    reader.problems.push(`${item}: has no key: set keySha256 or keyFile`);
  }
  const keySha256 = given.keySha256 ?? hashOfKeyFile(reader, index);
  if (name === undefined || usable === undefined || keySha256 === undefined) return [];
  return [{ name, keySha256, apps: usable, may, ...urlHostsOf(jssdk) }];
}

function urlHostsOf({ allowedUrlHosts: urlHosts }: Values['jssdk']): Pick<Rights, 'urlHosts'> {
  return urlHosts === undefined ? {} : { urlHosts };
}

function hashOfKeyFile(reader: SettingsReader, index: number): string | undefined {
  const path = `clients[${index}].keyFile` as const;
  const key = reader.content(path)?.reveal();
  if (key === undefined) return undefined;
  if (/^["'`]|["'`]$/.test(key)) {
    reader.warnOf(path, 'the key has quotes around it, which are part of it here: remove them');
  } else if (!/^[\x21-\x7e]+$/.test(key)) {
    reader.warnOf(
      path,
      'the key contains characters other than visible ASCII, so no caller can send it as a credential',
    );
  }
  if (key.length < KEY_CHARACTERS_MIN) {
    reader.warnOf(path, `the key has ${key.length} characters and is easily guessed`);
  }
  return createHash('sha256').update(key).digest('hex');
}

/** Reports a missing setting that every item of a list must have. */
function need(reader: SettingsReader, list: List, index: number, name: string, type: z.ZodMiniType): void {
  if (reader.given(`${list}[${index}].${name}` as Key) === undefined)
    reader.problems.push(`${reader.items(list)[index]}: has no ${name}: give ${acceptedBy(type)}`);
}

function readUsable(
  reader: SettingsReader,
  list: List,
  index: number,
  usable: readonly string[] | undefined,
  apps: readonly AppSettings[],
): readonly string[] | undefined {
  need(reader, list, index, 'apps', appidOrAll);
  for (const appid of usable ?? []) {
    if (appid !== '*' && !apps.some((app) => app.appid === appid))
      reader.warnOf(`${list}[${index}].apps`, `${shown({}, appid)} is none of the accounts of this hub`);
  }
  // If an item is bad the list is not read; the other checks of this caller still run.
  return usable ?? (reader.given(`${list}[${index}].apps`) === undefined ? undefined : []);
}

/** Two clients with the same name or key would be indistinguishable in logs. */
function refuseTwins(reader: SettingsReader, clients: readonly Client[]): void {
  const twins = (of: (client: Client) => string): string[] =>
    clients
      .filter((client, index) => clients.findIndex((other) => of(other) === of(client)) < index)
      .map((client) => client.name);
  for (const name of twins((client) => client.name))
    reader.problems.push(`clients: the name ${name} is given twice`);
  for (const name of twins((client) => client.keySha256))
    reader.problems.push(`clients: the key of ${name} is that of another client too`);
}
