import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';

const SUPPRESSED_MS = 60_000;
const PATHS_MAX = 1_000;
const ACCOUNTS_MAX = 100;

interface Entry {
  readonly fingerprint: string;
  readonly sinceMs: number;
}

/** The last two different paths that reported a token. */
interface Reports {
  readonly fingerprint: string;
  readonly paths: readonly { readonly path: string; readonly atMs: number }[];
}

/**
 * Which paths of an account are refused whatever token they carry (an API that the account may not
 * use, a token of the wrong kind): for a minute they ask for no further refresh, unless the token
 * changes or another path reports it too.
 */
export class Suppression {
  readonly #clock: Clock;
  readonly #entries = new LRUCache<string, Entry>({ max: PATHS_MAX });
  readonly #reports = new LRUCache<string, Reports>({ max: ACCOUNTS_MAX });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A refresh was asked for on account of this path. */
  reported(appid: string, path: string, fingerprint: string): void {
    const before = this.#reports.get(appid);
    const paths = before?.fingerprint === fingerprint ? before.paths : [];
    const atMs = this.#clock.lifeMs();
    this.#reports.set(appid, {
      fingerprint,
      paths: [{ path, atMs }, ...paths.filter((each) => each.path !== path)].slice(0, 2),
    });
  }

  /** The path was refused with this token, and asking for another one did not help. */
  note(appid: string, path: string, fingerprint: string): void {
    this.#entries.set(keyOf(appid, path), { fingerprint, sinceMs: this.#clock.lifeMs() });
  }

  applies(appid: string, path: string, fingerprint: string): boolean {
    const entry = this.#entries.get(keyOf(appid, path));
    if (entry === undefined || entry.fingerprint !== fingerprint) return false;
    if (this.#clock.lifeMs() - entry.sinceMs >= SUPPRESSED_MS) return false;
    const reports = this.#reports.get(appid);
    const seenElsewhere =
      reports?.fingerprint === fingerprint &&
      reports.paths.some((each) => each.path !== path && each.atMs > entry.sinceMs);
    return !seenElsewhere;
  }
}

function keyOf(appid: string, path: string): string {
  return `${appid} ${path}`;
}
