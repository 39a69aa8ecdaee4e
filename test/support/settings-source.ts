import { type ParsedSettings, parseSettings } from '../../src/settings/parse.ts';
import type { ReadFile } from '../../src/settings/reader.ts';
import type { Role } from '../../src/settings/role.ts';
import { settingsSchema } from '../../src/settings/schema.ts';
import type { Settings } from '../../src/settings/settings.ts';

export interface Given {
  readonly role?: Role;
  readonly env?: Record<string, string>;
  /** The settings file, which is called shop.yaml. */
  readonly yaml?: string;
  /** Texts by path; `{ code }` for a file that cannot be read. */
  readonly files?: Record<string, string | { readonly code: string }>;
}

export const APPID = 'wx0123456789abcdef';
export const APPSECRET = '0123456789abcdef0123456789abcdef';
export const ACCOUNT: Record<string, string> = { WECHAT_APPID: APPID, WECHAT_APPSECRET: APPSECRET };

export function parse({ role = 'proxy', env = {}, yaml, files = {} }: Given): ParsedSettings {
  const file = yaml === undefined ? {} : { file: { path: 'shop.yaml', text: yaml } };
  return parseSettings({ role, env, ...file, readFile: readFrom(files) });
}

export function settingsOf(given: Given): Settings {
  const parsed = parse(given);
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

export function problemsOf(given: Given): readonly string[] {
  const parsed = parse(given);
  return parsed.kind === 'bad' ? parsed.problems : [];
}

export function warningsOf(given: Given): readonly string[] {
  const parsed = parse(given);
  return parsed.kind === 'ok' ? parsed.warnings : [];
}

/** The text of a setting's default. */
export function defaultOf(key: string): string {
  return settingsSchema().settings.find((setting) => setting.key === key)?.default ?? '';
}

/** Stands in for the files of a machine. */
export function readFrom(files: Record<string, string | { readonly code: string }>): ReadFile {
  return (path) => {
    const file = files[path] ?? { code: 'ENOENT' };
    if (typeof file === 'string') return file;
    throw Object.assign(new Error('unreadable'), { code: file.code });
  };
}
