import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AccessOf, accessOnDisk } from './file-access.ts';
import { type ParsedSettings, parseSettings } from './parse.ts';
import type { Environment } from './environment.ts';
import { type ReadFile, whyUnreadable } from './reader.ts';
import type { Role } from './role.ts';

export interface SettingsLocation {
  readonly env: Environment;
  readonly role: Role;
  /** Undefined: environment only. */
  readonly configFile: string | undefined;
}

export type LoadedSettings = ParsedSettings & {
  /** A digest of every file that was read: its content, or why it cannot be read. */
  readonly digest: string;
};

/** Reads the settings file, if there is one, and every file that it names. */
export function loadSettings(
  location: SettingsLocation,
  readFile: ReadFile,
  accessOf: AccessOf = accessOnDisk,
): LoadedSettings {
  const hash = createHash('sha256');
  const parsed = parseAt(location, {
    readFile(path) {
      let text: string;
      try {
        text = readFile(path);
      } catch (error) {
        hash.update(
          JSON.stringify([path, error instanceof Error && 'code' in error ? error.code : 'unknown']),
        );
        throw error;
      }
      hash.update(JSON.stringify([path, 'holds', text]));
      return text;
    },
    accessOf(path) {
      const access = accessOf(path);
      hash.update(JSON.stringify([path, 'mode', access?.mode]));
      return access;
    },
  });
  return { ...parsed, digest: hash.digest('base64url') };
}

function parseAt(
  { configFile, ...rest }: SettingsLocation,
  files: { readonly readFile: ReadFile; readonly accessOf: AccessOf },
): ParsedSettings {
  if (configFile === undefined) return parseSettings({ ...rest, ...files });
  let text: string;
  try {
    text = files.readFile(configFile);
  } catch (error) {
    const problem = `the settings file (--config or WECHAT_SIDECAR_CONFIG): ${whyUnreadable(configFile, error)}`;
    return { kind: 'bad', problems: [problem], files: [] };
  }
  return parseSettings({ ...rest, ...files, file: { path: configFile, text } });
}

export const readTextFile: ReadFile = (path) => readFileSync(path, 'utf8');
