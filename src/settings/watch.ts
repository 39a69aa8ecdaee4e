import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type FilesWatch, watchFiles } from '../server/watch-files.ts';
import { type LoadedSettings, loadSettings, type SettingsLocation } from './load.ts';
import type { ReadFile } from './reader.ts';
import type { Settings } from './settings.ts';

export interface SettingsWatchInput {
  readonly location: SettingsLocation;
  readonly readFile: ReadFile;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with new settings; those that need a restart are as they were at the start. */
  readonly apply: (settings: Settings) => void;
}

export interface SettingsWatch {
  /** Reads everything again now, as on SIGHUP. */
  reload(): void;
  close(): void;
}

type GoodSettings = Extract<LoadedSettings, { kind: 'ok' }>;

/**
 * Keeps settings in step with the settings file and the files it names. New settings with a problem are rejected as a
 * whole, and the previous ones stay in force. The same goes for new settings that are valid only together with others that
 * need a restart: they are not applied in part.
 *
 * `started` are the settings in force when this process started.
 */
export function watchSettings(started: GoodSettings, input: SettingsWatchInput): SettingsWatch {
  const { location, log, clock, apply } = input;
  const asStarted = { ...location, started: started.fixedValues };
  let seen = started.digest;
  let { digestNow } = started;
  let inForce = seen;
  let restartKeys = '';
  let watched: readonly string[] = [];
  let watching: FilesWatch | undefined;

  const follow = (files: readonly string[]): void => {
    const next = [...new Set(location.configFile === undefined ? files : [location.configFile, ...files])];
    if (next.join('\n') === watched.join('\n')) return;
    watching?.close();
    watched = next;
    watching = watchFiles(next, clock, reload);
  };
  function reload(): void {
    // Parsing costs ten times as much, and what it needs would have to be made again.
    if (seen !== '' && digestNow() === seen) return;
    const parsed = loadSettings(location, input.readFile);
    const { digest } = parsed;
    ({ digestNow } = parsed);
    seen = digest;
    if (parsed.kind === 'bad') {
      log.error('new settings rejected; the old ones stay in force', { problems: parsed.problems });
      // A secret file that is missing now may appear later, so it stays watched.
      follow([...watched, ...parsed.files]);
      return;
    }
    follow(parsed.files);
    for (const warning of parsed.warnings) log.warn('settings warning', { warning });
    if (digest === inForce) {
      log.info('settings reloaded without changes');
      return;
    }
    restartKeys = warnOfRestart(log, started.fixed, parsed.fixed, restartKeys);
    const applied = restartKeys === '' ? parsed : loadSettings(asStarted, input.readFile);
    if (applied.kind === 'bad') {
      log.warn('new settings wait for a restart: they do not fit the old values of those that need one', {
        problems: applied.problems,
      });
      return;
    }
    inForce = digest;
    apply(applied.settings);
    log.info('settings reloaded', { files: watched });
  }

  follow(started.files);
  return {
    reload: () => {
      // An explicit reload always logs its result, even if nothing changed.
      seen = '';
      reload();
    },
    close: () => watching?.close(),
  };
}

/** Names the settings that differ from those at start, once for each set of them. */
function warnOfRestart(
  log: Log,
  started: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  warnedKeys: string,
): string {
  const changed = [...now]
    .filter(([key, digest]) => started.get(key) !== digest)
    .map(([key]) => key)
    .toSorted();
  const keys = changed.join(' ');
  if (keys !== '' && keys !== warnedKeys) {
    log.warn('changed settings need a restart to take effect', { settings: changed });
  }
  return keys;
}
