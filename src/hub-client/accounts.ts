import { parseJson } from '../base/json.ts';
import { type Clock, type Timer, toUnixMs } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { LruTable } from '../base/lru-table.ts';
import type { Random } from '../base/random.ts';
import { type OriginHealth, Origins } from '../upstream/origins.ts';
import {
  LOGIN_ONLY,
  LOGIN_ONLY_NEXT,
  type Refusal,
  type ReportAnswer,
  type TokenAnswer,
} from '../token/source.ts';
import type { WireReport } from '../hub-api/wire.ts';
import type { Token } from '../token/token.ts';
import type { SignatureAnswer } from '../wechat/page-signature.ts';
import { HubAccount } from './account.ts';
import type { Bearer } from './bearer.ts';
import { HubClient } from './client.ts';
import type { HubHttp } from './http.ts';
import { HubList } from './list.ts';
import { readTokenOutcome, type TokenOutcome } from './outcome.ts';
import { type RelayCall, relayByHub, type RelayOutcome } from './relay.ts';
import { signByHub } from './signature.ts';
import type { ServerEvent } from './sse.ts';
import { HubTickets } from './tickets.ts';
import { HubWatch, type WatchStatus } from './watch.ts';
import { type HubToken, readToken } from '../hub-api/read.ts';
import type { TicketAnswer, TicketType } from '../token/ticket.ts';

export interface HubAccountsParts {
  /** The hub's addresses, in order of preference. */
  readonly urls: readonly string[];
  /** Restricts us to these of the accounts that the hub lets us use; undefined: no restriction. */
  readonly only?: readonly string[] | undefined;
  /** Reads the credential, which may change; called for each use. */
  readonly readBearer: () => Promise<Bearer>;
  readonly http: HubHttp;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The token of an account has changed. */
  readonly onToken: (event: { appid: string; fingerprint: string; expiresAtUnixMs: number }) => void;
  /** The hub no longer lets us use an account. */
  readonly onGone: (appid: string) => void;
}

/** For `/status`. Times are Unix milliseconds. */
export interface HubStatus {
  readonly watch: WatchStatus;
  readonly addresses: readonly OriginHealth[];
  readonly accounts: readonly HubAccountStatus[];
}

export interface HubAccountStatus {
  readonly appid: string;
  /** Present only for accounts that never have a token. */
  readonly mode?: 'login';
  /** Absent if there is no live token. */
  readonly fingerprint?: string;
  readonly issuedAtUnixMs?: number;
  readonly expiresAtUnixMs?: number;
  /** What is being done about its token, in one sentence. */
  readonly next: string;
  readonly lastFailure?: { readonly message: string; readonly errcode: number; readonly unixMs: number };
}

/** Without a query, this watches every account that we may use. */
const WATCH_PATH = '/v1/tokens/watch';

export const ACCOUNTS_MAX = 5_000;

/** How many current and former tokens we recognize as ours. */
export const FINGERPRINTS_MAX = 10_000;

/** Longer than callers wait, so that a late response still serves the next ones. */
const TOKEN_ASK_MS_MAX = 5_000;

/** While no events arrive from the hub we poll for tokens: first after `POLL_FIRST_MS`, then every `POLL_MS`. */
const POLL_FIRST_MS = 1_000;
const POLL_MS = 20_000;
const POLLED_MAX = 50;

/** At most this share of the remaining lifetime is deducted for an event's delay, so that short-lived tokens stay usable. */
const WAITED_SHARE_MAX = 0.1;

/** The accounts that a hub manages for us: this process has copies of their tokens, and no secret. */
export class HubAccounts {
  readonly #parts: HubAccountsParts;
  readonly #origins: Origins;
  readonly #client: HubClient;
  readonly #list: HubList;
  readonly #watch: HubWatch;
  readonly #tickets: HubTickets;
  readonly #owners = new LruTable<string, string>(FINGERPRINTS_MAX);
  readonly #accounts = new LruTable<string, HubAccount>(ACCOUNTS_MAX);
  #onlyAppid: string | undefined;
  /** The accounts that the stream names; undefined: it names none, and brings all. */
  #watched: ReadonlySet<string> | undefined;
  #poll: Timer | undefined;
  #closed = false;

  constructor(parts: HubAccountsParts) {
    this.#parts = parts;
    this.#origins = new Origins(parts.urls, parts.clock);
    this.#client = new HubClient({ ...parts, origins: this.#origins });
    const shared = { ...parts, client: this.#client, origins: this.#origins };
    this.#list = new HubList({
      ...shared,
      onLearned: (appids) => {
        this.#onlyAppid = appids.length === 1 ? appids[0] : undefined;
        this.#watchAll(appids);
        if (this.#watch.isHearing()) return;
        this.#pollAfter(POLL_FIRST_MS);
      },
      onGone: parts.onGone,
      onBack: (appid) => this.#notifyToken(appid, this.#accounts.peek(appid)?.peek()),
    });
    this.#tickets = new HubTickets(this.#client, parts.clock);
    this.#watch = new HubWatch({
      ...shared,
      path: () => this.#watchPath(),
      onEvent: (event, sinceMs) => this.#onEvent(event, sinceMs),
    });
  }

  /** Starts the watch; resolves when the account list has arrived, or has failed to arrive in time. */
  async start(): Promise<void> {
    const listed = this.#list.start();
    // A hub refuses a watch that names an account that we may not use.
    if (this.#parts.only !== undefined) await listed;
    this.#watch.start();
    await listed;
  }

  token(appid: string): Promise<TokenAnswer> {
    if (this.isLoginOnly(appid)) return Promise.resolve(LOGIN_ONLY);
    const account = this.#accountOf(appid);
    if (account.peek() === undefined) this.#wake();
    return account.token();
  }

  peek(appid: string): Token | undefined {
    return this.#accounts.get(appid)?.peek();
  }

  report(appid: string, refusal: Refusal): Promise<ReportAnswer> {
    this.#wake();
    return this.#accountOf(appid).report(refusal);
  }

  ownerOf(fingerprint: string): string | undefined {
    return this.#owners.get(fingerprint);
  }

  knows(appid: string): boolean | Promise<boolean> {
    if (!this.isListed()) this.#wake();
    return this.#accounts.peek(appid)?.peek() !== undefined || this.#list.has(appid);
  }

  isLoginOnly(appid: string): boolean {
    return this.#list.isLoginOnly(appid);
  }

  async ticket(appid: string, type: TicketType): Promise<TicketAnswer> {
    if (this.isLoginOnly(appid)) return LOGIN_ONLY;
    return this.#tickets.ticket(appid, type);
  }

  async signPage(appid: string, url: string): Promise<SignatureAnswer> {
    if (this.isLoginOnly(appid)) return LOGIN_ONLY;
    const { clock, random } = this.#parts;
    return signByHub({ client: this.#client, tickets: this.#tickets, clock, random }, appid, url);
  }

  secretOf(appid: string): { kind: 'hub'; relay(call: RelayCall): Promise<RelayOutcome> } {
    return { kind: 'hub', relay: (call) => relayByHub(this.#client, appid, call) };
  }

  /** The only account in the last list from the hub. */
  onlyAppid(): string | undefined {
    if (!this.isListed()) this.#wake();
    return this.#onlyAppid;
  }

  hasHadToken(appid: string): boolean {
    return this.#accounts.peek(appid)?.hadToken ?? false;
  }

  /** Whether the account list has been received from the hub. */
  isListed(): boolean {
    return this.#list.appids() !== undefined;
  }

  status(): HubStatus {
    const appids = new Set([...(this.#list.appids() ?? []), ...this.#accounts.keys()]);
    return {
      watch: this.#watch.status(),
      addresses: this.#origins.health(),
      accounts: [...appids].map((appid) => this.#statusOf(appid)),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#poll?.cancel();
    this.#watch.close();
    this.#list.close();
    await this.#parts.http.close();
  }

  /** A call needs the hub: pending retries start now. */
  #wake(): void {
    this.#watch.wake();
    this.#list.wake();
  }

  #pollAfter(delayMs: number): void {
    this.#poll?.cancel();
    if (this.#closed) return;
    this.#poll = this.#parts.clock.after(delayMs, () => {
      if (!this.#watch.isHearing()) {
        const appids = (this.#list.appids() ?? []).filter((appid) => !this.isLoginOnly(appid));
        for (const appid of appids.slice(0, POLLED_MAX)) this.#accountOf(appid).refresh();
      }
      this.#pollAfter(POLL_MS * (0.75 + this.#parts.random() / 2));
    });
  }

  /** A stream that names its accounts brings nothing about one that the hub has since got. */
  #watchAll(appids: readonly string[]): void {
    if (this.#watched === undefined || appids.every((appid) => this.#watched?.has(appid))) return;
    this.#watch.reopen('more accounts');
  }

  #watchPath(): string {
    const { only } = this.#parts;
    const named = only === undefined ? [] : (this.#list.appids() ?? only);
    this.#watched = named.length === 0 ? undefined : new Set(named);
    const query = new URLSearchParams(named.map((appid): [string, string] => ['appid', appid]));
    return named.length === 0 ? WATCH_PATH : `${WATCH_PATH}?${query.toString()}`;
  }

  #onEvent(event: ServerEvent, sinceMs: number): void {
    const got = tokenIn(event, this.#parts.clock.monotonicMs(), sinceMs);
    if (got === undefined || !this.#list.wants(got.appid)) return;
    this.#list.add(got.appid);
    const account = this.#accountOf(got.appid);
    account.take(got);
    account.reportAgain(got.token.fingerprint);
  }

  #accountOf(appid: string): HubAccount {
    const known = this.#accounts.get(appid);
    if (known !== undefined) return known;
    const { clock, random } = this.#parts;
    const account = new HubAccount({
      ask: (refusal) => this.#ask(appid, refusal),
      onUnknown: () => this.#list.remove(appid),
      onToken: (token) => this.#changed(appid, token),
      clock,
      random,
    });
    this.#accounts.set(appid, account);
    return account;
  }

  async #ask(appid: string, refusal: Refusal | undefined): Promise<TokenOutcome> {
    const askedAtMs = this.#parts.clock.monotonicMs();
    const path = `/v1/apps/${encodeURIComponent(appid)}/token`;
    const question = { timeoutMs: TOKEN_ASK_MS_MAX, repeatable: true };
    const outcome = await this.#client.ask(
      refusal === undefined
        ? { ...question, method: 'GET', path }
        : { ...question, method: 'POST', path: `${path}/refresh`, content: wireReport(refusal) },
    );
    const read = readTokenOutcome(outcome, appid, askedAtMs);
    if (read.kind === 'none') {
      const { errcode, message } = read.why;
      const fields = { app: appid, errcode, reason: message, reported: refusal?.fingerprint };
      this.#parts.log.warn('hub returned no token', fields);
    }
    return read;
  }

  #changed(appid: string, token: Token): void {
    const { fingerprint } = token;
    this.#owners.set(fingerprint, appid);
    this.#parts.log.info('token received from the hub', { app: appid, fingerprint });
    this.#notifyToken(appid, token);
  }

  #notifyToken(appid: string, token: Token | undefined): void {
    if (token === undefined) return;
    const { fingerprint, expiresAtMs } = token;
    this.#parts.onToken({ appid, fingerprint, expiresAtUnixMs: this.#unixMs(expiresAtMs) });
  }

  #statusOf(appid: string): HubAccountStatus {
    const account = this.#accounts.peek(appid);
    const token = account?.peek();
    const failure = account?.failure;
    return {
      appid,
      ...(this.isLoginOnly(appid) && { mode: 'login' as const }),
      ...(token !== undefined && {
        fingerprint: token.fingerprint,
        issuedAtUnixMs: this.#unixMs(token.issuedAtMs),
        expiresAtUnixMs: this.#unixMs(token.expiresAtMs),
      }),
      ...(failure !== undefined && { lastFailure: failure }),
      next: this.isLoginOnly(appid) ? LOGIN_ONLY_NEXT : nextWords(token !== undefined, failure?.message),
    };
  }

  #unixMs(lifeMs: number): number {
    return Math.round(toUnixMs(lifeMs, this.#parts.clock));
  }
}

/** What is being done about an account's token: one sentence for people. */
function nextWords(hasToken: boolean, problem: string | undefined): string {
  if (problem !== undefined) return `ask the hub again with the next call: ${problem}`;
  return hasToken
    ? 'the hub refreshes the token, and sends its successor'
    : 'ask the hub with the first call';
}

function wireReport({ fingerprint, errcode, path, succeeded }: Refusal): WireReport {
  return { fingerprint, errcode, ...(path !== undefined && { path }), ...(succeeded && { succeeded }) };
}

/** `gone` events are ignored: a hub that has just started has no token yet, while our copy may be valid. */
function tokenIn({ type, data }: ServerEvent, nowMs: number, sinceMs: number): HubToken | undefined {
  const got = type === 'token' ? readToken(parseJson(data), nowMs) : undefined;
  if (got === undefined) return undefined;
  // A gateway, or a suspended process, may have delayed the event: part of the lifetime has passed.
  const leftMs = got.token.expiresAtMs - nowMs;
  const expiresAtMs = got.token.expiresAtMs - Math.min(nowMs - sinceMs, leftMs * WAITED_SHARE_MAX);
  return expiresAtMs > nowMs ? { ...got, token: { ...got.token, expiresAtMs } } : undefined;
}
