import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type FilesWatch, watchFiles } from '../server/watch-files.ts';
import { type LoadedSettings, loadSettings, type SettingsPlace } from './load.ts';
import type { ReadFile } from './reader.ts';
import type { Settings } from './settings.ts';

export interface SettingsWatchInput {
  readonly place: SettingsPlace;
  readonly readFile: ReadFile;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Told of new settings. Those that need a restart are in them too, and stay as they are until then.
   */
  readonly apply: (settings: Settings) => void;
}

export interface SettingsWatch {
  /** Reads everything again now, as SIGHUP asks for. */
  reload(): void;
  close(): void;
}

type GoodSettings = Extract<LoadedSettings, { kind: 'ok' }>;

/**
 * Keeps settings up to date with the settings file and the files that it names. New settings with a
 * problem are refused as a whole, and those before them stay in force.
 *
 * `started` are the settings in force, as this process started with them.
 */
export function watchSettings(started: GoodSettings, input: SettingsWatchInput): SettingsWatch {
  const { place, log, clock, apply } = input;
  let seen = started.digest;
  let inForce = seen;
  let restartKeys = '';
  let watched: readonly string[] = [];
  let watching: FilesWatch | undefined;

  const follow = (files: readonly string[]): void => {
    const next = [...new Set(place.configFile === undefined ? files : [place.configFile, ...files])];
    if (next.join('\n') === watched.join('\n')) return;
    watching?.close();
    watched = next;
    watching = watchFiles(next, clock, look);
  };
  function look(): void {
    const parsed = loadSettings(place, input.readFile);
    const { digest } = parsed;
    // Whatever happened to the files, their contents are those that were judged already.
    if (digest === seen) return;
    seen = digest;
    if (parsed.kind === 'bad') {
      log.error('new settings rejected; the old ones stay in force', { problems: parsed.problems });
      // A secret file that is missing now may come, and what is watched must not be forgotten.
      follow([...watched, ...parsed.files]);
      return;
    }
    follow(parsed.files);
    for (const warning of parsed.warnings) log.warn('settings warning', { warning });
    if (digest === inForce) {
      log.info('settings reloaded without changes');
      return;
    }
    inForce = digest;
    restartKeys = tellOfRestart(log, started.fixed, parsed.fixed, restartKeys);
    apply(parsed.settings);
    log.info('settings reloaded', { files: watched });
  }

  follow(started.files);
  return {
    reload: () => {
      // Who asks is answered, also where nothing has changed.
      seen = '';
      look();
    },
    close: () => watching?.close(),
  };
}

/** Names the settings that differ from what this process started with, once for each set of them. */
function tellOfRestart(
  log: Log,
  started: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  told: string,
): string {
  const changed = [...now]
    .filter(([key, digest]) => started.get(key) !== digest)
    .map(([key]) => key)
    .toSorted();
  const keys = changed.join(' ');
  if (keys !== '' && keys !== told) {
    log.warn('changed settings need a restart to take effect', { settings: changed });
  }
  return keys;
}
