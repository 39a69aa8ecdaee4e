import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import { parseJson } from '../base/json.ts';
import { backoffMs } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { HubClient } from './client.ts';
import { restMsOf, whyNot } from './outcome.ts';
import { readApps } from '../hub-api/read.ts';

export interface HubListParts {
  readonly client: HubClient;
  /** Restricts us to these of the accounts that the hub lets us use. */
  readonly only?: readonly string[] | undefined;
  readonly onLearned: (appids: readonly string[]) => void;
  /** An account is no longer listed. */
  readonly onGone: (appid: string) => void;
  /** An account is listed that was missing in the last list. */
  readonly onBack: (appid: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A request for an unlisted account reloads the list, at most this often. */
const FRESH_MS = 10_000;

/** After a failure, calls that need the list reload it at most this often. */
const WAKE_SPACING_MS = 1_000;

const RELOAD_MS = 300_000;
const RETRY_CAP_MS = 30_000;

/** The accounts that the hub lets us use: loaded at startup, periodically, and if an account is missing. */
export class HubList {
  readonly #parts: HubListParts;
  #appids: Set<string> | undefined;
  #loginOnly: ReadonlySet<string> = new Set();
  #learnedAtMs = -Infinity;
  #asking: Promise<boolean> | undefined;
  #failures = 0;
  #askedAtMs = -Infinity;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: HubListParts) {
    this.#parts = parts;
  }

  /** Resolves when the first list has arrived, or has failed to arrive in time. */
  async start(): Promise<void> {
    await this.#ask();
  }

  appids(): readonly string[] | undefined {
    return this.#appids === undefined ? undefined : [...this.#appids];
  }

  /** Whether we may use the account. Returns true if no hub can be reached, because we may be allowed to. */
  async has(appid: string): Promise<boolean> {
    if (this.#appids?.has(appid) === true) return true;
    if (!this.wants(appid)) return false;
    // If no hub responds, callers must not wait for this and then again for a token.
    if (this.#failures > 0) return true;
    if (this.#parts.clock.monotonicMs() - this.#learnedAtMs < FRESH_MS) return false;
    const isLearned = await this.#ask();
    return !isLearned || this.#appids?.has(appid) === true;
  }

  /** Whether the account only logs people in, according to the last list. */
  isLoginOnly(appid: string): boolean {
    return this.#loginOnly.has(appid);
  }

  /** A call needs the list or the hub itself: ends a backoff. */
  wake(): void {
    if (this.#closed || this.#failures === 0 || this.#asking !== undefined) return;
    if (this.#parts.clock.monotonicMs() - this.#askedAtMs >= WAKE_SPACING_MS) void this.#ask();
  }

  /** Whether this process is configured to use the account, whether or not the hub has it. */
  wants(appid: string): boolean {
    return this.#parts.only?.includes(appid) ?? true;
  }

  /** The hub sent an event for an account. */
  add(appid: string): void {
    if (this.#appids === undefined || this.#appids.has(appid)) return;
    this.#appids.add(appid);
    this.#parts.onBack(appid);
  }

  /** The hub returned that there is no such account for us. */
  remove(appid: string): void {
    if (this.#appids?.delete(appid) === true) this.#parts.onGone(appid);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #ask(): Promise<boolean> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #load(): Promise<boolean> {
    const { client, onLearned, clock, random, log } = this.#parts;
    this.#timer?.cancel();
    this.#askedAtMs = clock.monotonicMs();
    const outcome = await client.ask({
      method: 'GET',
      path: '/v1/apps',
      timeoutMs: CALLER_WAIT_MS_MAX,
      repeatable: true,
    });
    const isAnswer = outcome.kind === 'answer' && outcome.status === 200;
    const listed = isAnswer ? readApps(parseJson(outcome.body.toString('utf8'))) : undefined;
    if (listed === undefined) {
      log.warn('account list not received from the hub', { reason: whyNot(outcome).message });
      const restMs = outcome.kind === 'answer' ? restMsOf(outcome.headers) : 0;
      this.#again(restMs + backoffMs(this.#failures, random, 1_000, RETRY_CAP_MS));
      this.#failures += 1;
      return false;
    }
    const apps = listed.filter(({ appid }) => this.wants(appid));
    const appids = apps.map(({ appid }) => appid);
    this.#loginOnly = new Set(apps.flatMap(({ appid, isLoginOnly }) => (isLoginOnly ? [appid] : [])));
    this.#failures = 0;
    this.#learnedAtMs = clock.monotonicMs();
    this.#replace(new Set(appids));
    this.#again(RELOAD_MS * (0.8 + 0.4 * random()));
    onLearned(appids);
    return true;
  }

  #replace(next: Set<string>): void {
    const before = this.#appids;
    this.#appids = next;
    if (before === undefined) return;
    for (const appid of before) if (!next.has(appid)) this.#parts.onGone(appid);
    for (const appid of next) if (!before.has(appid)) this.#parts.onBack(appid);
  }

  #again(delayMs: number): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.after(delayMs, () => void this.#ask());
  }
}
