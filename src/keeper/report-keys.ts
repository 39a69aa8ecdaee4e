import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { fingerprintOf } from '../base/secret.ts';
import { type Report, SHARED_KEY } from '../token/doubt.ts';
import { KNOWN_ENDPOINTS } from '../wechat/endpoints.ts';

/** How many paths that are not on our list a caller may report in an hour under keys of their own. */
export const OPENED_MAX = 100;
const OPENED_MS = 3_600_000;

export const CALLERS_MAX = 1_000;

/**
 * The key under which the report of a path is looked into. A path is what a caller says it is, so only
 * so many unlisted ones have a key of their own; reports of all others, and those that name no path,
 * share one.
 */
export class ReportKeys {
  readonly #clock: Clock;
  /** By digest of the caller: the digests of the paths that it opened, and when. */
  readonly #opened = new LRUCache<string, Map<string, number>>({ max: CALLERS_MAX });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keyOf(caller: string, path: string | undefined): string {
    if (path === undefined) return SHARED_KEY;
    if (KNOWN_ENDPOINTS.has(path)) return path;
    const digest = fingerprintOf(path);
    const opened = this.#openedBy(fingerprintOf(caller));
    const nowMs = this.#clock.lifeMs();
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

/** A doubt that another holder of the account could not look into itself. */
export const FROM_ELSEWHERE: Report = { key: SHARED_KEY, errcode: 40001, succeeded: false };
