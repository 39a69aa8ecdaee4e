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
  /** The only accounts that are of use here, of those that the hub lets us use. */
  readonly only?: readonly string[] | undefined;
  readonly onLearned: (appids: readonly string[]) => void;
  /** An account that was listed is so no more. */
  readonly onGone: (appid: string) => void;
  /** An account is listed that the last list was without. */
  readonly onBack: (appid: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Whoever asks for an account that is not listed makes us look again, no sooner than this. */
const FRESH_MS = 10_000;

/** However many calls need it, a list that could not be had is asked for no more often than this. */
const WAKE_SPACING_MS = 1_000;

const RELOAD_MS = 300_000;
const RETRY_CAP_MS = 30_000;

/** The accounts that the hub lets us use: asked for at the start, again from time to time, and when one is missed. */
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

  /** The first list, as far as it comes in time. */
  async start(): Promise<void> {
    await this.#ask();
  }

  appids(): readonly string[] | undefined {
    return this.#appids === undefined ? undefined : [...this.#appids];
  }

  /** Whether the account is ours to use. Where no hub can be asked the answer is yes: it may well be. */
  async has(appid: string): Promise<boolean> {
    if (this.#appids?.has(appid) === true) return true;
    if (!this.wants(appid)) return false;
    // Without a hub that answers, callers must not wait for this and then for a token as well.
    if (this.#failures > 0) return true;
    if (this.#parts.clock.lifeMs() - this.#learnedAtMs < FRESH_MS) return false;
    const isLearned = await this.#ask();
    return !isLearned || this.#appids?.has(appid) === true;
  }

  /** Whether the account only logs people in, by the hub's last list. */
  isLoginOnly(appid: string): boolean {
    return this.#loginOnly.has(appid);
  }

  /** A call needs the list, or the hub itself: a back-off is cut short. */
  wake(): void {
    if (this.#closed || this.#failures === 0 || this.#asking !== undefined) return;
    if (this.#parts.clock.lifeMs() - this.#askedAtMs >= WAKE_SPACING_MS) void this.#ask();
  }

  /** Whether this process is set to use the account, be it one of the hub or not. */
  wants(appid: string): boolean {
    return this.#parts.only?.includes(appid) ?? true;
  }

  /** The hub told us of an account on its own. */
  add(appid: string): void {
    if (this.#appids === undefined || this.#appids.has(appid)) return;
    this.#appids.add(appid);
    this.#parts.onBack(appid);
  }

  /** The hub said that there is no such account for us. */
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
    this.#askedAtMs = clock.lifeMs();
    const outcome = await client.ask({
      method: 'GET',
      path: '/v1/apps',
      timeoutMs: CALLER_WAIT_MS_MAX,
      repeatable: true,
    });
    const isAnswer = outcome.kind === 'answer' && outcome.status === 200;
    const told = isAnswer ? readApps(parseJson(outcome.body.toString('utf8'))) : undefined;
    if (told === undefined) {
      log.warn('the hub did not tell its accounts', { reason: whyNot(outcome).message });
      const restMs = outcome.kind === 'answer' ? restMsOf(outcome.headers) : 0;
      this.#again(restMs + backoffMs(this.#failures, random, 1_000, RETRY_CAP_MS));
      this.#failures += 1;
      return false;
    }
    const apps = told.filter(({ appid }) => this.wants(appid));
    const appids = apps.map(({ appid }) => appid);
    this.#loginOnly = new Set(apps.flatMap(({ appid, isLoginOnly }) => (isLoginOnly ? [appid] : [])));
    this.#failures = 0;
    this.#learnedAtMs = clock.lifeMs();
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
