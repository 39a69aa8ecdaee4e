import { LRUCache } from 'lru-cache';
import type { Clock, Timer } from '../base/clock.ts';
import { LruTable } from '../base/lru-table.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { type Account, makeAccount, type NewApp, settle } from './accounts.ts';
import type { Answer } from './answer.ts';
import { Arrivals } from './arrivals.ts';
import type { ReceivedBody } from './body.ts';
import { DEFAULT_KNOBS, type Knobs } from './knobs.ts';
import { Rules } from './rules.ts';
import {
  type Family,
  hexWord,
  type IssuedToken,
  succeed,
  type TokenKind,
  TokenRegistry,
  tokenText,
} from './tokens.ts';

/** A complete request as the platform sees it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** Without the question mark, not decoded. */
  readonly rawQuery: string;
  readonly query: URLSearchParams;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: ReceivedBody;
  readonly ip: string;
  readonly encrypted: boolean;
  readonly nowMs: number;
  /** Set by the check of the token or the AppSecret as soon as it is known. */
  account?: Account;
}

/** A path of the platform. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'ANY';
  /**
   * A GET that some SDKs send as POST with its parameters in the query; the knob `postForGet` decides
   * whether it is accepted.
   */
  readonly postToo?: boolean;
  /** Which token the gateway checks; `own`: the endpoint does its own checks. */
  readonly token: 'app' | 'component' | 'own';
  /** Refusals are text/plain, as in the older back ends. */
  readonly plainErrors?: boolean;
  readonly answer: (world: World, call: Call) => Answer;
}

/** A failed request, for lookups by its rid. */
export interface RidRecord {
  readonly appid: string | undefined;
  readonly atMs: number;
  readonly query: string;
  readonly body: string;
  readonly response: string;
  readonly ip: string;
}

export interface StoredMedia {
  readonly bytes: Buffer;
  /** `image`, `voice`, `video`, `thumb`, `file`. */
  readonly type: string;
  readonly contentType: string;
  readonly appid: string;
  readonly endsAtMs: number;
}

/** State of a login: a session key, a used code, the token behind a refresh token. */
export interface Login {
  readonly value: string;
  readonly expiresAtMs: number;
}

export const RIDS_MAX = 1_000;
export const LOGINS_MAX = 10_000;
export const MEDIA_BYTES_MAX = 128 * 1024 * 1024;

/** The whole state of the simulated platform; every response depends only on this. */
export class World {
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #firstApps: readonly NewApp[];
  readonly #firstKnobs: Partial<Knobs>;
  #offsetMs = 0;
  /** Each reset begins a new epoch, so that no old token is issued again. */
  #epoch = 0;
  #rids: Random;
  knobs: Knobs;
  readonly accounts: Map<string, Account> = new Map();
  readonly tokens: TokenRegistry = new TokenRegistry();
  readonly arrivals: Arrivals = new Arrivals();
  readonly rules: Rules = new Rules();
  readonly endpoints: Map<string, Endpoint>;
  readonly #firstEndpoints: ReadonlyMap<string, Endpoint>;
  readonly ridRecords = new LruTable<string, RidRecord>(RIDS_MAX);
  readonly media: LRUCache<string, StoredMedia> = new LRUCache({
    maxSize: MEDIA_BYTES_MAX,
    sizeCalculation: (media) => media.bytes.length + 1_000,
  });
  /** Session keys and refresh tokens of logged-in users, used login codes, and the like. */
  readonly logins = new LruTable<string, Login>(LOGINS_MAX);

  constructor(
    clock: Clock,
    seed: number,
    apps: readonly NewApp[],
    knobs: Partial<Knobs>,
    endpoints: ReadonlyMap<string, Endpoint>,
  ) {
    this.#clock = clock;
    this.#seed = seed;
    this.#firstApps = apps;
    this.#firstKnobs = knobs;
    this.#firstEndpoints = endpoints;
    this.endpoints = new Map(endpoints);
    this.knobs = { ...DEFAULT_KNOBS, ...knobs };
    this.#rids = this.stream('rids');
    for (const app of apps) this.configure(app);
  }

  nowMs(): number {
    return Math.floor(this.#clock.monotonicMs()) + this.#offsetMs;
  }

  advance(byMs: number): void {
    this.#offsetMs += byMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  /** A separate random stream for each purpose, so that one does not influence another. */
  stream(name: string): Random {
    let hash = (this.#seed ^ (this.#epoch * 0x9e3779b1)) >>> 0;
    for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return seededRandom(hash);
  }

  /** Creates an account, or changes the given settings of one. */
  configure(app: NewApp): Account {
    const known = this.accounts.get(app.appid);
    const settings = settle(app, known?.settings);
    if (known !== undefined) {
      known.settings = settings;
      return known;
    }
    const account = makeAccount(settings, this.stream(`account ${app.appid}`));
    this.accounts.set(app.appid, account);
    return account;
  }

  issue(account: Account, kind: Exclude<TokenKind, 'user'>, nowMs: number, graceMs?: number): IssuedToken {
    const { appid, tokenLifeMs } = account.settings;
    const value = tokenText(account.random);
    const token = this.tokens.issue({ value, kind, appid, issuedAtMs: nowMs, lifeMs: tokenLifeMs });
    succeed(account.families[kind] satisfies Family, token, nowMs, graceMs);
    return token;
  }

  /** The id of a request: its second in hex, and two random groups. */
  nextRid(): string {
    const second = Math.floor(this.nowMs() / 1_000)
      .toString(16)
      .padStart(8, '0');
    return `${second}-${hexWord(this.#rids, 8)}-${hexWord(this.#rids, 8)}`;
  }

  /** Restores the initial state except for the clock; tokens are different from before. */
  reset(): void {
    this.#epoch += 1;
    this.#rids = this.stream('rids');
    this.knobs = { ...DEFAULT_KNOBS, ...this.#firstKnobs };
    this.accounts.clear();
    this.tokens.clear();
    this.arrivals.clear();
    this.rules.clear();
    this.endpoints.clear();
    for (const [path, endpoint] of this.#firstEndpoints) this.endpoints.set(path, endpoint);
    this.ridRecords.clear();
    this.media.clear();
    this.logins.clear();
    for (const app of this.#firstApps) this.configure(app);
  }
}
