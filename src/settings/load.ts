import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AccessOf, accessOnDisk } from './file-access.ts';
import { type ParsedSettings, parseSettings } from './parse.ts';
import type { Environment } from './environment.ts';
import type { FixedValues } from './raw.ts';
import { type ReadFile, whyUnreadable } from './reader.ts';
import type { Role } from './role.ts';

export interface SettingsLocation {
  readonly env: Environment;
  readonly role: Role;
  /** Undefined: environment only. */
  readonly configFile: string | undefined;
  /** See `SettingsSource`. */
  readonly started?: FixedValues;
}

export type LoadedSettings = ParsedSettings & {
  /** A digest of every file that was read: its content, or why it cannot be read. */
  readonly digest: string;
  /** The digest of the same files as they are now. */
  readonly digestNow: () => string;
};

interface Files {
  readonly readFile: ReadFile;
  readonly accessOf: AccessOf;
}

/** Reads the settings file, if there is one, and every file that it names. */
export function loadSettings(
  location: SettingsLocation,
  readFile: ReadFile,
  accessOf: AccessOf = accessOnDisk,
): LoadedSettings {
  const files = { readFile, accessOf };
  const reads: ((again: Files) => unknown)[] = [];
  const hash = createHash('sha256');
  const parsed = parseAt(location, noting(reads, digesting(hash, files)));
  const digestNow = (): string => {
    const hashNow = createHash('sha256');
    const again = digesting(hashNow, files);
    for (const read of reads) {
      try {
        read(again);
      } catch {
        // The digest says why it cannot be read.
      }
    }
    return hashNow.digest('base64url');
  };
  return { ...parsed, digest: hash.digest('base64url'), digestNow };
}

/** What is read goes into the digest. */
function digesting(hash: Hash, { readFile, accessOf }: Files): Files {
  return {
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
  };
}

/** Remembers what is read, without the contents. */
function noting(reads: ((again: Files) => unknown)[], files: Files): Files {
  return {
    readFile(path) {
      reads.push((again) => again.readFile(path));
      return files.readFile(path);
    },
    accessOf(path) {
      reads.push((again) => again.accessOf(path));
      return files.accessOf(path);
    },
  };
}

function parseAt({ configFile, ...rest }: SettingsLocation, files: Files): ParsedSettings {
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
