import { type Environment, isGiven } from '../settings/environment.ts';
import { readSettingsFile } from '../settings/file.ts';
import { rawFromFile } from '../settings/raw.ts';

export interface PlainSettings {
  readonly env: Environment;
  readonly file?: { readonly path: string; readonly text: string };
}

/** The command if none is given: the demo, unless an account or a hub is configured. */
export function defaultCommand(source: PlainSettings): 'proxy' | 'demo' {
  const account = ['WECHAT_APPID', 'WECHAT_APPSECRET', 'WECHAT_APPSECRET_FILE', 'WECHAT_SIDECAR_HUB_URL'];
  return anyGiven(source.env, account) || fileHas(source, ['apps', 'hub']) ? 'proxy' : 'demo';
}

/** The role that `check` assumes if the settings do not say: a hub if they define its callers. */
export function defaultCheckRole(source: PlainSettings): 'proxy' | 'hub' {
  if (anyGiven(source.env, ['WECHAT_SIDECAR_HUB_URL']) || fileHas(source, ['hub'])) return 'proxy';
  const callers = anyGiven(source.env, ['WECHAT_HUB_CLIENT_KEY_FILE']);
  return callers || fileHas(source, ['clients', 'kubernetes.allow']) ? 'hub' : 'proxy';
}

function anyGiven(env: Environment, names: readonly string[]): boolean {
  return names.some((name) => isGiven(env[name]));
}

/** Whether the file sets anything under one of the keys. A file that cannot be read counts as setting it. */
function fileHas(source: PlainSettings, keys: readonly string[]): boolean {
  if (source.file === undefined) return false;
  const file = readSettingsFile(source.file.path, source.file.text);
  if (file.kind === 'bad') return true;
  const { values, items } = rawFromFile(file);
  return keys.some(
    (key) =>
      (items.get(key)?.length ?? 0) > 0 || [...values.keys()].some((given) => given.startsWith(`${key}.`)),
  );
}
