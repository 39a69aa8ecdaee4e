import type { Clock } from '../base/clock.ts';
import type { Result, Trigger } from '../token/state.ts';

/** One fetch that has ended. */
export interface PastRefresh {
  readonly atUnixMs: number;
  readonly trigger: Trigger;
  readonly result: Result;
}

interface Entry extends PastRefresh {
  readonly atMs: number;
}

const DAY_MS = 24 * 3_600_000;
/** Of each account, the latest: a few dozen a day are usual. */
const KEPT_MAX = 200;

/** What this hub has fetched during the last day, for people to look at. */
export class History {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry[]>();
  /** The fingerprint of the last token of each account that was fetched here. */
  readonly #fetched = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `fingerprint` is that of the token which the fetch brought, where it brought a new one. */
  add(appid: string, trigger: Trigger, result: Result, fingerprint: string | undefined): void {
    if (fingerprint !== undefined) this.#fetched.set(appid, fingerprint);
    const entry = { atUnixMs: this.#clock.wallMs(), atMs: this.#clock.lifeMs(), trigger, result };
    this.#entries.set(appid, [...this.#lastDay(appid), entry].slice(-KEPT_MAX));
  }

  /** Oldest first. */
  of(appid: string): readonly PastRefresh[] {
    return this.#lastDay(appid).map(({ atUnixMs, trigger, result }) => ({ atUnixMs, trigger, result }));
  }

  /** Whether it was this hub that fetched the token. */
  isFetchedHere(appid: string, fingerprint: string): boolean {
    return this.#fetched.get(appid) === fingerprint;
  }

  keepOnly(appids: readonly string[]): void {
    for (const appid of this.#entries.keys()) {
      if (appids.includes(appid)) continue;
      this.#entries.delete(appid);
      this.#fetched.delete(appid);
    }
  }

  #lastDay(appid: string): Entry[] {
    const sinceMs = this.#clock.lifeMs() - DAY_MS;
    return (this.#entries.get(appid) ?? []).filter(({ atMs }) => atMs >= sinceMs);
  }
}
