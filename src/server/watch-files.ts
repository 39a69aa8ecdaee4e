import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';

export interface FilesWatch {
  close(): void;
}

/** Several events belong to one change: Kubernetes swaps a symbolic link, editors write and rename. */
const SETTLE_MS = 200;
/** Polling covers systems that report no events (network file systems, no watches left). */
const POLL_MS = 30_000;

/**
 * Calls `onCheck` soon after anything happened in the folders of the files, and every half minute; `onCheck` decides whether
 * the contents changed. Folders are watched, not files: a mounted Secret changes through a link beside the file.
 */
export function watchFiles(files: readonly string[], clock: Clock, onCheck: () => void): FilesWatch {
  const watchers: FSWatcher[] = [];
  let settle: Timer | undefined;
  let poll: Timer | undefined;
  const soon = (): void => {
    settle?.cancel();
    settle = clock.after(SETTLE_MS, onCheck);
  };
  const pollOn = (): void => {
    poll = clock.after(POLL_MS, () => {
      pollOn();
      onCheck();
    });
  };
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    try {
      const watcher = watch(folder, { persistent: false }, soon);
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // Polling remains.
    }
  }
  pollOn();
  return {
    close() {
      settle?.cancel();
      poll?.cancel();
      for (const watcher of watchers) watcher.close();
    },
  };
}
