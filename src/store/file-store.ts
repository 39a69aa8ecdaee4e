import { chmod, open, readdir, readFile, rename, stat, unlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import { waitAtMost } from '../base/wait.ts';
import type { TokenMode } from '../token/token.ts';
import { formatFile, parseFile } from './file-format.ts';
import { makeTokenCipher, type TokenCipher } from './cipher.ts';
import type { TokenStore } from './store.ts';
import { storeOf, type TokenRecord, type TokenRecords, withoutFuture } from './token-records.ts';

const FILE_BYTES_MAX = 16 * 1024 * 1024;
const OWNER_ONLY = 0o600;
/** A failed write is retried after this, or when there is something new to write. */
const RETRY_MS = 30_000;
/** Temporary files that a crash left behind are removed when they are older than this. */
const LEFTOVER_MS = 60_000;
/** A slow disk must not delay callers that wait for a token. */
const WRITTEN_MS_MAX = 500;
/** A hanging disk does not delay shutdown for longer than this. */
const CLOSE_MS_MAX = 2_000;
const DAY_MS = 24 * 3_600_000;

const IN_CLEAR = 'tokens in clear were not read from the token file';
const IN_CLEAR_HINT =
  'store.encryptionKeyFile is set, so only encrypted tokens are read. These are fetched again and stored encrypted; ' +
  'counts of forced refreshes are kept. If that key is not new, find out who else writes this file';

export interface FileStoreParts {
  readonly path: string;
  readonly encryptionKey?: Secret | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Keeps all accounts in one JSON file that is always replaced as a whole. If two processes use the same file,
 * the last writer wins. Disk errors are logged; tokens are then kept in memory only.
 */
export function makeFileStore(parts: FileStoreParts): TokenStore {
  return storeOf(new FileRecords(parts), parts.clock);
}

/** The records of a file store. */
export class FileRecords implements TokenRecords {
  readonly #parts: FileStoreParts;
  readonly #cipher: TokenCipher;
  readonly #records: Map<string, TokenRecord> = new Map();
  #reading: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #path: string;
  #isDirty = false;
  #isUsable = true;
  #isFailing = false;
  #retry: Timer | undefined;

  constructor(parts: FileStoreParts) {
    this.#parts = parts;
    this.#cipher = makeTokenCipher(parts.encryptionKey);
    this.#path = parts.path;
  }

  async load(appid: string, mode: TokenMode): Promise<TokenRecord | undefined> {
    this.#reading ??= this.#read();
    await this.#reading;
    return this.#records.get(keyOf(appid, mode));
  }

  save(record: TokenRecord): void {
    this.#records.set(keyOf(record.appid, record.mode), record);
    this.#isDirty = true;
    this.#writing ??= this.#writeAll();
  }

  written(): Promise<void> {
    return this.#settled(WRITTEN_MS_MAX);
  }

  async close(): Promise<void> {
    this.#retry?.cancel();
    await this.#settled(CLOSE_MS_MAX);
    this.#retry?.cancel();
  }

  /** Waits until the running write has ended, but no longer than this. */
  async #settled(msMax: number): Promise<void> {
    if (this.#writing === undefined) return;
    await waitAtMost(this.#parts.clock, msMax, this.#writing);
  }

  async #read(): Promise<void> {
    const { log } = this.#parts;
    // A symbolic link stays one: its target is read and replaced.
    this.#path = await realpath(this.#path).catch(() => this.#path);
    const path = this.#path;
    const content = await readContent(path);
    this.#isUsable = true;
    switch (content.kind) {
      case 'absent':
        break;
      case 'unusable':
        this.#isUsable = false;
        if (!this.#isFailing)
          log.error('token file cannot be used; tokens are kept in memory', { path, reason: content.reason });
        if (!content.mayPass) return;
        // Not replaced unread: it may be ours. The next access reads it again.
        this.#isFailing = true;
        this.#reading = undefined;
        return;
      case 'broken':
        await this.#setAside(content.reason);
        break;
      case 'text': {
        const parsed = parseFile(content.text, this.#cipher);
        if (parsed.kind === 'foreign') {
          await this.#setAside(parsed.reason);
          break;
        }
        if (content.isOpenToOthers) await this.#tighten();
        if (parsed.inClear > 0) log.warn(IN_CLEAR, { path, tokens: parsed.inClear, hint: IN_CLEAR_HINT });
        // Records saved while the disk was being read are newer.
        for (const record of parsed.records) this.#remember(record);
      }
    }
    if (this.#isDirty) this.#writing ??= this.#writeAll();
    await this.#removeLeftovers();
  }

  #remember(record: TokenRecord): void {
    const key = keyOf(record.appid, record.mode);
    if (this.#records.has(key)) return;
    const settled = withoutFuture(record, this.#parts.clock.unixMs());
    // Written back, so that the token ages; otherwise it would be new at each start.
    this.#isDirty ||= settled !== record;
    this.#records.set(key, settled);
  }

  async #tighten(): Promise<void> {
    const { log } = this.#parts;
    const path = this.#path;
    log.warn('token file was readable by others; it is now for its owner alone', { path });
    await chmod(path, OWNER_ONLY).catch((error: unknown) => {
      log.error('token file cannot be made private', { path, reason: codeOf(error) });
    });
  }

  async #setAside(reason: string): Promise<void> {
    const { clock, log } = this.#parts;
    const path = this.#path;
    const aside = `${path}.corrupt-${new Date(clock.unixMs()).toISOString().replaceAll(/[:.]/g, '-')}`;
    try {
      await rename(path, aside);
      log.error('token file is not usable and was set aside; starting without it', { path, aside, reason });
    } catch (error) {
      log.error('token file is not usable and cannot be set aside', { path, reason, cause: codeOf(error) });
    }
  }

  /** One write at a time; the last write contains the latest of all records. */
  async #writeAll(): Promise<void> {
    const { log } = this.#parts;
    const path = this.#path;
    this.#retry?.cancel();
    this.#reading ??= this.#read();
    await this.#reading;
    try {
      while (this.#isDirty && this.#isUsable) {
        this.#isDirty = false;
        await this.#replaceFile(formatFile(this.#worthKeeping(), this.#cipher));
        if (this.#isFailing) log.info('token file is writable again', { path });
        this.#isFailing = false;
      }
      if (this.#isDirty && this.#isFailing) this.#writeLater();
    } catch (error) {
      this.#isDirty = true;
      this.#writeLater();
      if (this.#isFailing) return;
      this.#isFailing = true;
      log.error('token file cannot be written; tokens are kept in memory', { path, reason: codeOf(error) });
    } finally {
      this.#writing = undefined;
    }
  }

  #writeLater(): void {
    this.#retry = this.#parts.clock.after(RETRY_MS, () => {
      this.#writing ??= this.#writeAll();
    });
  }

  async #replaceFile(text: string): Promise<void> {
    const { random } = this.#parts;
    const path = this.#path;
    const suffix = Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
    const temporary = `${path}.${suffix}.tmp`;
    try {
      const file = await open(temporary, 'wx', OWNER_ONLY);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncDirectory(dirname(path));
  }

  #worthKeeping(): TokenRecord[] {
    const nowUnixMs = this.#parts.clock.unixMs();
    for (const [key, { token, forcedAtUnixMs }] of this.#records) {
      const isForced = forcedAtUnixMs.some((atMs) => nowUnixMs - atMs < DAY_MS);
      const isLive = token !== undefined && nowUnixMs < token.expiresAtUnixMs;
      if (!isForced && !isLive) this.#records.delete(key);
    }
    return [...this.#records.values()];
  }

  async #removeLeftovers(): Promise<void> {
    const { clock } = this.#parts;
    const path = this.#path;
    const name = basename(path);
    const names = await readdir(dirname(path)).catch(() => []);
    for (const entry of names) {
      if (!entry.startsWith(`${name}.`) || !/^\.[0-9a-f]{8}\.tmp$/.test(entry.slice(name.length))) continue;
      const leftover = join(dirname(path), entry);
      const seen = await stat(leftover).catch(() => undefined);
      if (seen === undefined || clock.unixMs() - seen.mtimeMs < LEFTOVER_MS) continue;
      await unlink(leftover).catch(() => undefined);
    }
  }
}

type Content =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly reason: string; readonly mayPass: boolean }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'text'; readonly text: string; readonly isOpenToOthers: boolean };

async function readContent(path: string): Promise<Content> {
  try {
    const seen = await stat(path);
    // A directory or a device is not ours to move aside.
    if (!seen.isFile())
      return { kind: 'unusable', reason: 'it is not a file; name a file, in a directory', mayPass: false };
    if (seen.size > FILE_BYTES_MAX) return { kind: 'broken', reason: 'it is too large' };
    const text = await readFile(path, 'utf8');
    return { kind: 'text', text, isOpenToOthers: (seen.mode & 0o077) !== 0 };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return { kind: 'absent' };
    // It may be ours and become readable again.
    return { kind: 'unusable', reason: `it cannot be read (${code})`, mayPass: true };
  }
}

/** Makes the rename durable. Some file systems refuse; the file is complete anyway. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    return;
  }
}

function keyOf(appid: string, mode: TokenMode): string {
  return `${mode} ${appid}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
