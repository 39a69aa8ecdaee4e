import type { Clock } from '../base/clock.ts';
import { LruTable } from '../base/lru-table.ts';
import { fingerprintOf } from '../base/secret.ts';
import { type Report, SHARED_KEY } from '../token/doubt.ts';
import { KNOWN_ENDPOINTS } from '../wechat/endpoints.ts';

/** How many paths that are not on our list a caller may report per hour with their own keys. */
export const OPENED_MAX = 100;
const OPENED_MS = 3_600_000;

export const CALLERS_MAX = 1_000;

/**
 * Maps the path of a report to its key. A caller can send any path, so only a limited number of unlisted
 * paths have their own keys; all others, and reports without a path, share one.
 */
export class ReportKeys {
  readonly #clock: Clock;
  /** By digest of the caller: the digests of its unlisted paths, and when each was added. */
  readonly #opened = new LruTable<string, Map<string, number>>(CALLERS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keyOf(caller: string, path: string | undefined): string {
    if (path === undefined) return SHARED_KEY;
    if (KNOWN_ENDPOINTS.has(path)) return path;
    const digest = fingerprintOf(path);
    const opened = this.#openedBy(fingerprintOf(caller));
    const nowMs = this.#clock.monotonicMs();
    const sinceMs = opened.get(digest);
    if (sinceMs !== undefined && nowMs - sinceMs < OPENED_MS) return digest;
    if (opened.size >= OPENED_MAX) {
      for (const [each, atMs] of opened) if (nowMs - atMs >= OPENED_MS) opened.delete(each);
    }
    if (opened.size >= OPENED_MAX) return SHARED_KEY;
    opened.delete(digest);
    opened.set(digest, nowMs);
    return digest;
  }

  #openedBy(caller: string): Map<string, number> {
    const known = this.#opened.get(caller);
    if (known !== undefined) return known;
    const opened = new Map<string, number>();
    this.#opened.set(caller, opened);
    return opened;
  }
}

/** A doubt of another owner that cannot run the look itself. */
export const FROM_ELSEWHERE: Report = { key: SHARED_KEY, errcode: 40001, succeeded: false };
