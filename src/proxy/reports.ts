import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { sleep, within } from '../base/wait.ts';
import { LruTable } from '../base/lru-table.ts';
import type { ReportAnswer, TokenSource } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import { reportPath } from '../wechat/report-path.ts';

export interface ReportsParts {
  readonly accounts: Pick<TokenSource, 'report'> & { peek(appid: string): Token | undefined };
  readonly clock: Clock;
}

/** What to do about a refused call. */
export type RefusalOutcome =
  /** There is another token. */
  | { readonly kind: 'replay'; readonly token: Token }
  | { readonly kind: 'no_replay'; readonly reason: NoReplay };

/**
 * `accepted`, `held`: the platform accepts the token, so it is this path that it refuses. `waiting`, `rationed`: the
 * next token is not available yet. `unavailable`: the report could not be looked into. `succeeded_since`: another call
 * to the path has succeeded since.
 */
export type NoReplay = 'accepted' | 'held' | 'waiting' | 'rationed' | 'unavailable' | 'succeeded_since';

/** How long a refused path that was looked into before may wait for a success that proves the token good. */
export const EVIDENCE_MS = 1_000;
/** After a success, a path that is refused again is reported this soon. */
export const HOLD_AFTER_SUCCESS_MS = 2_000;
/** The minimum interval between reports of a token that has no successor yet or cannot be looked into. */
export const QUIET_MS = 1_000;

export const REPORTED_ACCOUNTS_MAX = 1_000;
export const REPORTED_PATHS_MAX = 1_000;

/** The refusals of one path with one token. */
interface PathRecord {
  readonly path: string;
  /** It was reported before, and the token turned out to be accepted. */
  lookedInto: boolean;
  heldUntilMs: number;
  /** The first and the last refusal since the last success. */
  firstMs: number | undefined;
  lastMs: number;
  /** Refused since the last report. */
  wasRefused: boolean;
  succeeded: boolean;
  reportedMs: number;
  errcode: number;
  running: Promise<NoReplay | Token> | undefined;
  timer: Timer | undefined;
  /** The wait for evidence, which can be ended early. */
  waiting: AbortController | undefined;
}

/** One account with its current token. */
interface AccountRecord {
  readonly appid: string;
  readonly fingerprint: string;
  readonly paths: LruTable<string, PathRecord>;
  quietUntilMs: number;
  quietAs: NoReplay;
}

/**
 * Decides which refused calls are reported, and when: an endpoint that refuses every token must neither cost a look per
 * call nor delay the replacement of a token that is really dead.
 *
 * A path that refuses an accepted token is held for as long as the keeper of the token says. After the hold it is
 * reported at once if it was refused meanwhile; later refusals first wait briefly for a success of the same path, which
 * proves the token good.
 */
export class Reports {
  readonly #parts: ReportsParts;
  readonly #accounts = new LruTable<string, AccountRecord>(REPORTED_ACCOUNTS_MAX, ({ paths }) =>
    paths.clear(),
  );

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /**
   * A call to `path` with the token of this fingerprint was refused. Waits for at most 2.5 s, less the time that the
   * caller has already waited for a token.
   */
  async refused(
    appid: string,
    path: string,
    fingerprint: string,
    errcode: number,
    waitedMs = 0,
  ): Promise<RefusalOutcome> {
    const { accounts, clock } = this.#parts;
    const limitMs = Math.max(CALLER_WAIT_MS_MAX - waitedMs, 0);
    if (accounts.peek(appid)?.fingerprint !== fingerprint) {
      const refusal = { fingerprint, errcode, path: reportPath(path), succeeded: false };
      return outcomeOf(await this.#within(limitMs, accounts.report(appid, refusal).then(nextOf)));
    }
    const account = this.#accountOf(appid, fingerprint);
    const record = this.#recordOf(account, reportPath(path));
    const nowMs = clock.monotonicMs();
    record.firstMs ??= nowMs;
    record.lastMs = nowMs;
    record.wasRefused = true;
    record.errcode = errcode;
    if (nowMs < account.quietUntilMs) {
      if (account.quietAs === 'unavailable') this.#reportAt(account.quietUntilMs, account, record);
      return outcomeOf(account.quietAs);
    }
    if (nowMs < record.heldUntilMs) {
      this.#reportAt(record.heldUntilMs, account, record);
      return outcomeOf('held');
    }
    return outcomeOf(await this.#within(limitMs, this.#report(account, record, 'caller')));
  }

  /** A call to `path`, sent at `sentMs` with the token of this fingerprint, succeeded. */
  succeeded(appid: string, path: string, fingerprint: string, sentMs: number): void {
    const account = this.#accounts.peek(appid);
    if (account === undefined || account.fingerprint !== fingerprint) return;
    const record = account.paths.peek(reportPath(path));
    if (record === undefined) return;
    if (sentMs > record.reportedMs) record.succeeded = true;
    record.heldUntilMs = Math.min(
      record.heldUntilMs,
      this.#parts.clock.monotonicMs() + HOLD_AFTER_SUCCESS_MS,
    );
    if (record.firstMs === undefined || sentMs <= record.firstMs) return;
    if (sentMs <= record.lastMs) {
      // Some refusals came after it was sent; the token was good until then.
      record.firstMs = sentMs;
      if (record.timer !== undefined) this.#reportAt(record.heldUntilMs, account, record);
      return;
    }
    record.firstMs = undefined;
    record.wasRefused = false;
    record.timer?.cancel();
    record.timer = undefined;
    record.waiting?.abort();
  }

  /** The account has another token: evidence about the old one will not come, so the waits end. */
  tokenChanged(appid: string): void {
    const account = this.#accounts.peek(appid);
    if (account === undefined || this.#parts.accounts.peek(appid)?.fingerprint === account.fingerprint)
      return;
    this.#accounts.delete(appid);
  }

  close(): void {
    this.#accounts.clear();
  }

  #report(account: AccountRecord, record: PathRecord, by: 'caller' | 'timer'): Promise<NoReplay | Token> {
    record.timer?.cancel();
    record.timer = undefined;
    record.running ??= this.#lookInto(account, record, by).finally(() => {
      record.running = undefined;
    });
    return record.running;
  }

  async #lookInto(
    account: AccountRecord,
    record: PathRecord,
    by: 'caller' | 'timer',
  ): Promise<NoReplay | Token> {
    const { accounts, clock } = this.#parts;
    const { appid, fingerprint } = account;
    if (record.lookedInto && by === 'caller') {
      await this.#evidence(record);
      if (record.firstMs === undefined) return 'succeeded_since';
    }
    const { path, errcode, succeeded } = record;
    record.succeeded = false;
    record.wasRefused = false;
    record.reportedMs = clock.monotonicMs();
    const answer = await accounts.report(appid, { fingerprint, errcode, path, succeeded });
    const next = nextOf(answer);
    if (typeof next !== 'string') return next;
    const nowMs = clock.monotonicMs();
    if ('holdMs' in answer) {
      record.lookedInto = true;
      record.heldUntilMs =
        nowMs + Math.min(answer.holdMs, record.succeeded ? HOLD_AFTER_SUCCESS_MS : Infinity);
      if (record.wasRefused) this.#reportAt(record.heldUntilMs, account, record);
    } else {
      account.quietUntilMs = nowMs + QUIET_MS;
      account.quietAs = next;
      // Otherwise the keeper of the token knows. Without calls, no further report is sent.
      if (next === 'unavailable' && (record.wasRefused || by === 'caller'))
        this.#reportAt(account.quietUntilMs, account, record);
    }
    return next;
  }

  /** Resolves when a success has cleared the refusals of the path, or at the time limit. */
  #evidence(record: PathRecord): Promise<void> {
    const { clock } = this.#parts;
    const leftMs = (record.firstMs ?? -Infinity) + EVIDENCE_MS - clock.monotonicMs();
    if (leftMs <= 0) return Promise.resolve();
    record.waiting = new AbortController();
    return sleep(clock, leftMs, record.waiting.signal);
  }

  /** Reports the path by timer if it was refused and has not succeeded by then. */
  #reportAt(atMs: number, account: AccountRecord, record: PathRecord): void {
    const { accounts, clock } = this.#parts;
    record.timer?.cancel();
    record.timer = clock.after(atMs - clock.monotonicMs(), () => {
      record.timer = undefined;
      const isCurrent = accounts.peek(account.appid)?.fingerprint === account.fingerprint;
      if (!isCurrent || record.firstMs === undefined) return;
      if (clock.monotonicMs() < account.quietUntilMs) this.#reportAt(account.quietUntilMs, account, record);
      else void this.#report(account, record, 'timer');
    });
  }

  #within(limitMs: number, work: Promise<NoReplay | Token>): Promise<NoReplay | Token> {
    return within(
      this.#parts.clock,
      limitMs,
      () => work,
      () => 'waiting',
    );
  }

  #accountOf(appid: string, fingerprint: string): AccountRecord {
    const known = this.#accounts.get(appid);
    if (known?.fingerprint === fingerprint) return known;
    const paths = new LruTable<string, PathRecord>(REPORTED_PATHS_MAX, (record) => {
      record.timer?.cancel();
      record.waiting?.abort();
    });
    const account: AccountRecord = { appid, fingerprint, paths, quietUntilMs: 0, quietAs: 'waiting' };
    this.#accounts.set(appid, account);
    return account;
  }

  #recordOf({ paths }: AccountRecord, path: string): PathRecord {
    const known = paths.get(path);
    if (known !== undefined) return known;
    const record: PathRecord = {
      path,
      lookedInto: false,
      heldUntilMs: 0,
      firstMs: undefined,
      lastMs: 0,
      wasRefused: false,
      succeeded: false,
      reportedMs: -Infinity,
      errcode: 0,
      running: undefined,
      timer: undefined,
      waiting: undefined,
    };
    paths.set(path, record);
    return record;
  }
}

/** The token to continue with, or why there is no replay. */
function nextOf(answer: ReportAnswer): NoReplay | Token {
  return answer.kind === 'renewed' || answer.kind === 'not_current' ? answer.token : answer.kind;
}

function outcomeOf(next: NoReplay | Token): RefusalOutcome {
  return typeof next === 'string' ? { kind: 'no_replay', reason: next } : { kind: 'replay', token: next };
}
