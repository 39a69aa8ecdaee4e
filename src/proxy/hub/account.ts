import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { TokenAnswer, Unavailable } from '../../token/source.ts';
import { isLive, type Token } from '../../token/token.ts';
import { type TokenOutcome, unavailable } from './outcome.ts';
import type { HubToken } from './wire.ts';

/** A refused token, as it is reported to the hub. */
export interface Report {
  readonly fingerprint: string;
  readonly errcode: number;
}

export interface HubAccountParts {
  /** Asks the hub for the token; with a report, for another one than the reported. */
  readonly ask: (report: Report | undefined) => Promise<TokenOutcome>;
  /** Another token than before is in use. */
  readonly onToken: (token: Token) => void;
  /** The hub has no such account for us. */
  readonly onUnknown: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Common SDKs give up at 3 s; by then they shall have an answer from us. */
export const WAIT_MS_MAX = 2_500;

const RETRY_BASE_MS = 250;
const RETRY_CAP_MS = 1_000;

/** How long the hub is left alone after an answer that asking again would not change. */
const REST_MS = 1_000;

/** One question that all who need its answer share. */
interface Round {
  readonly report: Report | undefined;
  readonly over: Promise<void>;
  end(): void;
}

/** This process's copy of the token of one account, which it serves to the token's end. */
export class HubAccount {
  readonly #parts: HubAccountParts;
  #held: HubToken | undefined;
  /** The fingerprint that the platform refused, as long as the hub has not vouched for it. */
  #suspect: string | undefined;
  #round: Round | undefined;
  #why: Unavailable | undefined;
  #failedAtUnixMs: number | undefined;
  /** No question of either kind before these moments. */
  readonly #restUntilMs = { plain: 0, report: 0 };

  constructor(parts: HubAccountParts) {
    this.#parts = parts;
  }

  /** The live token, without waiting. */
  peek(): Token | undefined {
    const token = this.#held?.token;
    return isLive(token, this.#parts.clock.lifeMs()) ? token : undefined;
  }

  get hadToken(): boolean {
    return this.#held !== undefined;
  }

  /** What went wrong last, where nothing has gone well since. */
  get failure(): { readonly message: string; readonly errcode: number; readonly unixMs: number } | undefined {
    if (this.#why === undefined) return undefined;
    return { message: this.#why.message, errcode: this.#why.errcode, unixMs: this.#failedAtUnixMs ?? 0 };
  }

  async token(): Promise<TokenAnswer> {
    if (this.peek() === undefined) await this.#join(undefined);
    return this.#answer();
  }

  async refused(fingerprint: string, errcode: number): Promise<TokenAnswer> {
    const current = this.peek();
    if (current === undefined) return this.token();
    if (current.fingerprint === fingerprint) {
      this.#suspect = fingerprint;
      await this.#join({ fingerprint, errcode });
    }
    return this.#answer();
  }

  /** Takes over a token that the hub gave, unless the one in hand is better. */
  take(next: HubToken): void {
    const current = this.peek();
    if (!isBetter(next.token, current, this.#suspect)) return;
    this.#held = next;
    this.#why = undefined;
    const { fingerprint } = next.token;
    if (fingerprint === current?.fingerprint) return;
    this.#restUntilMs.report = 0;
    this.#parts.onToken(next.token);
    if (fingerprint !== this.#round?.report?.fingerprint) this.#round?.end();
  }

  /** The hub told its current token anew; a report of that very token may have been lost while it was away. */
  reportAgain(fingerprint: string): void {
    if (this.#suspect !== fingerprint || this.peek()?.fingerprint !== fingerprint) return;
    this.#ask({ fingerprint, errcode: LOST_REPORT_ERRCODE });
  }

  /** Waits for the running round, or for a new one; no longer than a caller can. */
  #join(report: Report | undefined): Promise<void> {
    const round = this.#ask(report);
    if (round === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(WAIT_MS_MAX, resolve);
      void round.over.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #ask(report: Report | undefined): Round | undefined {
    if (this.#round !== undefined) return this.#round;
    if (this.#parts.clock.lifeMs() < this.#restUntilMs[kindOf(report)]) return undefined;
    let end = (): void => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    const round: Round = {
      report,
      over,
      end: () => {
        if (this.#round === round) this.#round = undefined;
        end();
      },
    };
    this.#round = round;
    void this.#run(round).finally(() => round.end());
    return round;
  }

  async #run(round: Round): Promise<void> {
    const { ask, onUnknown, clock, random } = this.#parts;
    const endMs = clock.lifeMs() + WAIT_MS_MAX;
    for (let attempt = 0; this.#round === round; attempt++) {
      const outcome = await ask(round.report);
      if (outcome.kind === 'token') {
        this.#settleReport(round, outcome.got);
        return;
      }
      const { why, next, restMs } = outcome;
      this.#why = why;
      this.#failedAtUnixMs = clock.wallMs();
      if (next === 'unknown') onUnknown();
      const delayMs = restMs + backoffMs(attempt, random, RETRY_BASE_MS, RETRY_CAP_MS);
      if (next !== 'soon' || clock.lifeMs() + delayMs >= endMs) {
        this.#rest(round.report, next === 'soon' ? restMs : Math.max(restMs, REST_MS));
        return;
      }
      await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
    }
  }

  #settleReport({ report }: Round, got: HubToken): void {
    const { fingerprint } = got.token;
    this.take(got);
    if (report === undefined) return;
    if (fingerprint === report.fingerprint) {
      // The platform still accepts it, says the hub, or gives no other: asking at once again changes nothing.
      this.#rest(report, REST_MS);
      if (this.#suspect === fingerprint) this.#suspect = undefined;
    }
  }

  #rest(report: Report | undefined, restMs: number): void {
    this.#restUntilMs[kindOf(report)] = this.#parts.clock.lifeMs() + restMs;
  }

  #answer(): TokenAnswer {
    const token = this.peek();
    if (token !== undefined) return { kind: 'token', token };
    return this.#why ?? unavailable('the hub has not given a token yet; try again in a moment');
  }
}

function kindOf(report: Report | undefined): 'plain' | 'report' {
  return report === undefined ? 'plain' : 'report';
}

/** Of a report that did not reach the hub in its time. */
const LOST_REPORT_ERRCODE = 40001;

/** A hub tells in whole seconds what is left of a life, and its answer takes a while: ages are as inexact. */
const AGE_TOLERANCE_MS = 2_000;

/**
 * The newer token wins, by our own clock: those of two hubs may differ. A token that the platform
 * refused loses to any other.
 */
function isBetter(next: Token, current: Token | undefined, suspect: string | undefined): boolean {
  if (current === undefined || next.fingerprint === current.fingerprint) return true;
  if (next.fingerprint === suspect) return false;
  return current.fingerprint === suspect || next.issuedAtMs >= current.issuedAtMs - AGE_TOLERANCE_MS;
}
