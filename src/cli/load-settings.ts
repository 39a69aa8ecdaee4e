import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseSettings } from './settings-parse.ts';
import type { ParsedSettings } from './settings-parse.ts';
import type { Environment } from './settings-environment.ts';
import { whyUnreadable } from './settings-reader.ts';
import type { ReadFile } from './settings-reader.ts';
import type { Role } from './settings.ts';

export interface SettingsPlace {
  readonly env: Environment;
  readonly role: Role;
  /** Undefined: the environment alone. */
  readonly configFile: string | undefined;
}

export type LoadedSettings = ParsedSettings & {
  /** Of every file that was read: of what it holds, or why it cannot be read. */
  readonly digest: string;
};

/** Reads the settings file, where there is one, and all that it names. */
export function loadSettings(place: SettingsPlace, readFile: ReadFile): LoadedSettings {
  const hash = createHash('sha256');
  const parsed = parseAt(place, (path) => {
    let text: string;
    try {
      text = readFile(path);
    } catch (error) {
      hash.update(JSON.stringify([path, error instanceof Error && 'code' in error ? error.code : 'unknown']));
      throw error;
    }
    hash.update(JSON.stringify([path, 'holds', text]));
    return text;
  });
  return { ...parsed, digest: hash.digest('base64url') };
}

function parseAt({ configFile, ...rest }: SettingsPlace, readFile: ReadFile): ParsedSettings {
  if (configFile === undefined) return parseSettings({ ...rest, readFile });
  let text: string;
  try {
    text = readFile(configFile);
  } catch (error) {
    const problem = `the settings file (--config or WECHAT_SIDECAR_CONFIG): ${whyUnreadable(configFile, error)}`;
    return { kind: 'bad', problems: [problem], files: [] };
  }
  return parseSettings({ ...rest, readFile, file: { path: configFile, text } });
}

/** The files of this machine. */
export const readTextFile: ReadFile = (path) => readFileSync(path, 'utf8');
