import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import { backoffMs } from '../base/backoff.ts';
import { sleep, waitAtMost } from '../base/wait.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Refusal, ReportAnswer, TokenAnswer, Unavailable } from '../token/source.ts';
import { isLive, type Token } from '../token/token.ts';
import { type TokenOutcome, unavailable } from './outcome.ts';
import type { HubToken } from '../hub-api/read.ts';

export interface HubAccountParts {
  /** Requests the token from the hub; with a refusal, one that differs from the refused token. */
  readonly ask: (refusal: Refusal | undefined) => Promise<TokenOutcome>;
  /** The token has changed. */
  readonly onToken: (token: Token) => void;
  /** The hub does not know the account, or does not let us use it. */
  readonly onUnknown: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

const RETRY_BASE_MS = 250;
const RETRY_CAP_MS = 1_000;

/** How long we wait after a failure that an immediate retry would not change. */
const REST_MS = 1_000;

/** The hold we assume for a hub of version 0.1, whose responses do not contain one. */
const OLD_HUB_HOLD_MS = 2_000;
const RETRY_MS = 1_000;

/** One series of requests for the token, shared by all waiting callers. */
interface Round {
  readonly over: Promise<void>;
  end(): void;
}

/** This process's copy of one account's token, served until the token expires. */
export class HubAccount {
  readonly #parts: HubAccountParts;
  #held: HubToken | undefined;
  /** The last report of the current token, until the hub responds that the platform accepts it. */
  #suspicion: Refusal | undefined;
  /** The last replaced tokens: a delayed response, or a hub that is behind, may still contain one. */
  #replaced: readonly string[] = [];
  #heldSinceMs = -Infinity;
  /** Callers that wait for the outcome of a report; a new token is also an outcome. */
  readonly #reporting = new Set<() => void>();
  #round: Round | undefined;
  #why: Unavailable | undefined;
  #failedAtUnixMs: number | undefined;
  /** The token is not requested before this moment. */
  #restUntilMs = 0;

  constructor(parts: HubAccountParts) {
    this.#parts = parts;
  }

  /** Returns the live token without waiting. */
  peek(): Token | undefined {
    const token = this.#held?.token;
    return isLive(token, this.#parts.clock.monotonicMs()) ? token : undefined;
  }

  get hadToken(): boolean {
    return this.#held !== undefined;
  }

  /** The last failure, if there was no success since. */
  get failure(): { readonly message: string; readonly errcode: number; readonly unixMs: number } | undefined {
    if (this.#why === undefined) return undefined;
    return { message: this.#why.message, errcode: this.#why.errcode, unixMs: this.#failedAtUnixMs ?? 0 };
  }

  async token(): Promise<TokenAnswer> {
    if (this.peek() === undefined) await this.#join();
    return this.#answer();
  }

  async report(refusal: Refusal): Promise<ReportAnswer> {
    const current = this.peek();
    if (current?.fingerprint !== refusal.fingerprint) {
      const answer = await this.token();
      return answer.kind === 'token' ? { ...answer, kind: 'not_current' } : answer;
    }
    this.#suspicion = refusal;
    return new Promise((resolve) => {
      const end = (answer: ReportAnswer): void => {
        this.#reporting.delete(changed);
        timer.cancel();
        resolve(answer);
      };
      const changed = (): void => end(this.#outcome(refusal, current, undefined));
      const timer = this.#parts.clock.after(CALLER_WAIT_MS_MAX, changed);
      this.#reporting.add(changed);
      void this.#parts.ask(refusal).then((outcome) => end(this.#outcome(refusal, current, outcome)));
    });
  }

  /** Adopts a token from the hub, unless the current one is better. */
  take(next: HubToken): void {
    const current = this.peek();
    const suspect = this.#suspicion?.fingerprint;
    const { fingerprint } = next.token;
    const isOld =
      current !== undefined && this.#replaced.includes(fingerprint) && this.#isOlder(next.token, current);
    if (isOld || !isBetter(next.token, current, suspect)) return;
    this.#held = next;
    this.#why = undefined;
    if (fingerprint === current?.fingerprint) return;
    this.#heldSinceMs = this.#parts.clock.monotonicMs();
    if (current !== undefined)
      this.#replaced = [current.fingerprint, ...this.#replaced].slice(0, REPLACED_MAX);
    this.#parts.onToken(next.token);
    this.#round?.end();
    for (const changed of this.#reporting) changed();
  }

  /** Right after the current token arrived, a hub that is behind may still send the one before, of about the same age. */
  #isOlder(replaced: Token, current: Token): boolean {
    const isFresh = this.#parts.clock.monotonicMs() - this.#heldSinceMs < AGE_TOLERANCE_MS;
    return replaced.issuedAtMs < current.issuedAtMs + (isFresh ? AGE_TOLERANCE_MS : 0);
  }

  /** The hub sent its current token again; our report of that token may have been lost while it was unavailable. */
  reportAgain(fingerprint: string): void {
    const refusal = this.#suspicion;
    if (refusal?.fingerprint !== fingerprint || this.peek()?.fingerprint !== fingerprint) return;
    if (this.#reporting.size === 0) void this.report(refusal);
  }

  /** Requests the token in the background. */
  refresh(): void {
    this.#ask();
  }

  /** Waits for the running round or a new one, as long as a caller can. */
  #join(): Promise<void> {
    const round = this.#ask();
    if (round === undefined) return Promise.resolve();
    return waitAtMost(this.#parts.clock, CALLER_WAIT_MS_MAX, round.over);
  }

  #ask(): Round | undefined {
    if (this.#round !== undefined) return this.#round;
    if (this.#parts.clock.monotonicMs() < this.#restUntilMs) return undefined;
    let end = (): void => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    const round: Round = {
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
    const { ask, clock, random } = this.#parts;
    const endMs = clock.monotonicMs() + CALLER_WAIT_MS_MAX;
    for (let attempt = 0; this.#round === round; attempt++) {
      const outcome = await ask(undefined);
      if (outcome.kind === 'token') {
        this.take(outcome.got);
        return;
      }
      this.#noteFailure(outcome);
      const { next, restMs } = outcome;
      const delayMs = restMs + backoffMs(attempt, random, RETRY_BASE_MS, RETRY_CAP_MS);
      if (next !== 'soon' || clock.monotonicMs() + delayMs >= endMs) {
        this.#restUntilMs = clock.monotonicMs() + (next === 'soon' ? restMs : Math.max(restMs, REST_MS));
        return;
      }
      await sleep(clock, delayMs);
    }
  }

  /** The outcome of a report of `reported`; if `outcome` is undefined, whether the token has changed meanwhile. */
  #outcome(refusal: Refusal, reported: Token, outcome: TokenOutcome | undefined): ReportAnswer {
    if (outcome?.kind === 'token') this.take(outcome.got);
    const token = this.peek();
    if (token !== undefined && token.fingerprint !== refusal.fingerprint) return { kind: 'renewed', token };
    if (outcome === undefined) return { kind: 'waiting', token: reported, retryMs: RETRY_MS };
    if (outcome.kind === 'none') {
      this.#noteFailure(outcome);
      return outcome.why;
    }
    const { report } = outcome;
    switch (report?.outcome) {
      // A hub that is behind: it will learn of our token, and send it again.
      case 'not_current':
        return { kind: 'waiting', token: reported, retryMs: RETRY_MS };
      case 'waiting':
      case 'rationed':
        return { kind: report.outcome, token: reported, retryMs: report.retryMs ?? RETRY_MS };
      case 'accepted':
      case 'held':
      case 'renewed':
      case undefined: {
        if (this.#suspicion?.fingerprint === refusal.fingerprint) this.#suspicion = undefined;
        const kind = report?.outcome === 'held' ? 'held' : 'accepted';
        return { kind, token: reported, holdMs: report?.holdMs ?? OLD_HUB_HOLD_MS };
      }
    }
  }

  #noteFailure({ why, next }: Extract<TokenOutcome, { kind: 'none' }>): void {
    this.#why = why;
    this.#failedAtUnixMs = this.#parts.clock.unixMs();
    if (next === 'unknown') this.#parts.onUnknown();
  }

  #answer(): TokenAnswer {
    const token = this.peek();
    if (token !== undefined) return { kind: 'token', token };
    return this.#why ?? unavailable('the hub has not returned a token yet; try again in a moment');
  }
}

const REPLACED_MAX = 8;

/** The accuracy of token ages: a hub sends whole seconds, and its responses take time. */
const AGE_TOLERANCE_MS = 2_000;

/**
 * The newer token wins, by our own clock, because the clocks of two hubs may differ. A token that the
 * platform refused loses to any other.
 */
function isBetter(next: Token, current: Token | undefined, suspect: string | undefined): boolean {
  if (current === undefined || next.fingerprint === current.fingerprint) return true;
  if (next.fingerprint === suspect) return false;
  return current.fingerprint === suspect || next.issuedAtMs >= current.issuedAtMs - AGE_TOLERANCE_MS;
}
