import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { LruTable } from '../../base/lru-table.ts';
import { type Random, randomHex } from '../../base/random.ts';
import { keyOf, type Caller } from '../authenticator.ts';
import type { ShareLimits } from '../limits.ts';

export const SESSION_MS = 8 * 3_600_000;
export const SESSION_LIMITS: ShareLimits = { max: 1_000, perCaller: 100 };
const ID_DIGITS = 48;

/** The sessions of logged-in users. A session is an id in a cookie; only a digest of it is kept. */
export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isStillValid: (caller: Caller) => boolean;
  /** By digest of the id. */
  readonly #open = new LruTable<string, { caller: Caller; endsAtMs: number }>(SESSION_LIMITS.max);

  constructor(clock: Clock, random: Random, isStillValid: (caller: Caller) => boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#isStillValid = isStillValid;
  }

  /** Returns the id of the new session. If the caller has too many, its least recently used session ends. */
  open(caller: Caller): string {
    const id = randomHex(ID_DIGITS, this.#random);
    const own = [...this.#open.entries()].filter(([, session]) => keyOf(session.caller) === keyOf(caller));
    const [oldest] = own.at(-1) ?? [];
    if (oldest !== undefined && own.length >= SESSION_LIMITS.perCaller) this.#open.delete(oldest);
    this.#open.set(digestOf(id), { caller, endsAtMs: this.#clock.monotonicMs() + SESSION_MS });
    return id;
  }

  /** The owner of a session; a session ends when the rights it was opened with do. */
  callerOf(id: string | undefined): Caller | undefined {
    const key = id === undefined ? '' : digestOf(id);
    const session = this.#open.get(key);
    if (session === undefined) return undefined;
    if (this.#clock.monotonicMs() < session.endsAtMs && this.#isStillValid(session.caller))
      return session.caller;
    this.#open.delete(key);
    return undefined;
  }

  close(id: string | undefined): void {
    if (id !== undefined) this.#open.delete(digestOf(id));
  }
}

/** The whole digest: an id with a colliding digest would be logged in. */
function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
