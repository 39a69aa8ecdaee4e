import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';
import { randomHex } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { Caller } from '../callers.ts';

export const SESSION_MS = 8 * 3_600_000;
const SESSIONS_MAX = 1_000;
const ID_DIGITS = 48;

/** People who have logged in. A session is an id in a cookie, and lives here alone. */
export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stillHolds: (caller: Caller) => boolean;
  readonly #open = new LRUCache<string, { caller: Caller; endsAtMs: number }>({ max: SESSIONS_MAX });

  constructor(clock: Clock, random: Random, stillHolds: (caller: Caller) => boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#stillHolds = stillHolds;
  }

  /** Answers the new session's id. */
  open(caller: Caller): string {
    const id = randomHex(ID_DIGITS, this.#random);
    this.#open.set(id, { caller, endsAtMs: this.#clock.lifeMs() + SESSION_MS });
    return id;
  }

  /** Whose session it is; a session ends with the rights that it was opened by. */
  callerOf(id: string | undefined): Caller | undefined {
    const session = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || session === undefined) return undefined;
    if (this.#clock.lifeMs() < session.endsAtMs && this.#stillHolds(session.caller)) return session.caller;
    this.#open.delete(id);
    return undefined;
  }

  close(id: string | undefined): void {
    if (id !== undefined) this.#open.delete(id);
  }
}
