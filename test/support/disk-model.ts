import { type TokenRecord, type TokenRecords, withoutFuture } from '../../src/store/token-records.ts';
import type { TokenMode } from '../../src/token/token.ts';

const DAY_MS = 86_400_000;

/** What is in a file, and outlives the processes that write it. */
export type Disk = Map<string, TokenRecord>;

export interface DiskParts {
  readonly disk: Disk;
  readonly unixMs: () => number;
  /** A moment later, unless the process has ended by then. */
  readonly later: (run: () => void) => void;
}

/** What `FileRecords` does, for one process, written down a second time and without a file. */
export function diskRecords({ disk, unixMs, later }: DiskParts): TokenRecords {
  const records = new Map<string, TokenRecord>();
  let isRead = false;
  let writing: Promise<void> = Promise.resolve();
  const write = (): void => {
    writing = new Promise((resolve) => {
      later(() => {
        forgetUseless(records, unixMs());
        disk.clear();
        for (const [key, record] of records) disk.set(key, record);
        resolve();
      });
    });
  };
  const read = (): void => {
    isRead = true;
    let isChanged = false;
    for (const [key, record] of disk) {
      if (records.has(key)) continue;
      const settled = withoutFuture(record, unixMs());
      isChanged ||= settled !== record;
      records.set(key, settled);
    }
    if (isChanged) write();
  };
  return {
    load: (appid, mode) => {
      if (!isRead) read();
      return Promise.resolve(records.get(keyOf(appid, mode)));
    },
    save: (record) => {
      records.set(keyOf(record.appid, record.mode), record);
      write();
    },
    written: () => writing,
    close: () => writing,
  };
}

/** A token that has ended and refreshes of another day are not written on. */
function forgetUseless(records: Map<string, TokenRecord>, nowUnixMs: number): void {
  for (const [key, { token, forcedAtUnixMs }] of records) {
    const isForced = forcedAtUnixMs.some((atMs) => nowUnixMs - atMs < DAY_MS);
    const isLive = token !== undefined && nowUnixMs < token.expiresAtUnixMs;
    if (!isForced && !isLive) records.delete(key);
  }
}

function keyOf(appid: string, mode: TokenMode): string {
  return `${mode} ${appid}`;
}
