import { type Clock, toUnixMs } from '../base/clock.ts';
import type { Result, Trigger } from '../token/state.ts';
import type { Token } from '../token/token.ts';

/** A completed fetch. */
export interface PastRefresh {
  readonly atUnixMs: number;
  /** `elsewhere`: another hub fetched it, and we took it over. */
  readonly trigger: Trigger | 'elsewhere';
  readonly result: Result;
}

interface Entry extends Pick<PastRefresh, 'trigger' | 'result'> {
  readonly atMs: number;
}

const DAY_MS = 24 * 3_600_000;
/** The latest ones of each account; a few dozen a day are usual. */
export const KEPT_MAX = 200;

/** The fetches of the last day, as far as this hub knows, for people to read. */
export class History {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry[]>();
  /** The fingerprint of the last token of each account that was fetched here. */
  readonly #fetched = new Map<string, string>();
  /** The fingerprint of the last token of each account that another hub published. */
  readonly #noted = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `fingerprint` is that of the fetched token, if the fetch returned a new one. */
  add(appid: string, trigger: Trigger, result: Result, fingerprint: string | undefined): void {
    if (fingerprint !== undefined) this.#fetched.set(appid, fingerprint);
    this.#note(appid, { atMs: this.#clock.monotonicMs(), trigger, result });
  }

  /** Adds a token that another hub has published. */
  addFromElsewhere(appid: string, token: Token): void {
    if (this.isFetchedHere(appid, token.fingerprint) || this.#noted.get(appid) === token.fingerprint) return;
    this.#noted.set(appid, token.fingerprint);
    this.#note(appid, { atMs: token.issuedAtMs, trigger: 'elsewhere', result: 'renewed' });
  }

  /** Oldest first. */
  of(appid: string): readonly PastRefresh[] {
    return this.#lastDay(appid).map(({ atMs, trigger, result }) => ({
      atUnixMs: Math.round(toUnixMs(atMs, this.#clock)),
      trigger,
      result,
    }));
  }

  /** Whether this hub fetched the token. */
  isFetchedHere(appid: string, fingerprint: string): boolean {
    return this.#fetched.get(appid) === fingerprint;
  }

  keepOnly(appids: readonly string[]): void {
    for (const appid of this.#entries.keys()) {
      if (appids.includes(appid)) continue;
      this.#entries.delete(appid);
      this.#fetched.delete(appid);
      this.#noted.delete(appid);
    }
  }

  #note(appid: string, entry: Entry): void {
    this.#entries.set(appid, [...this.#lastDay(appid), entry].slice(-KEPT_MAX));
  }

  #lastDay(appid: string): Entry[] {
    const sinceMs = this.#clock.monotonicMs() - DAY_MS;
    return (this.#entries.get(appid) ?? []).filter(({ atMs }) => atMs >= sinceMs);
  }
}
