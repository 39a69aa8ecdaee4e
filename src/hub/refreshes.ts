import type { Clock } from '../base/clock.ts';
import type { TokenAnswer } from '../token/source.ts';
import type { Audit } from './audit.ts';
import type { Caller } from './callers.ts';
import type { HubAccounts } from './accounts.ts';
import { RateLimit } from './rate-limit.ts';
import type { Rate } from './rate-limit.ts';

/** Of reports that name the current token and find none of the like in flight. */
const REPORT_RATE: Rate = { burst: 60, refillMs: 1_000 };
/** Of people at the page, and each account for itself. */
const MANUAL_RATE: Rate = { burst: 3, refillMs: 60_000 };

export type RefreshOutcome = TokenAnswer | { readonly kind: 'limited'; readonly retryAfterMs: number };

export interface RefreshParts {
  readonly accounts: Pick<HubAccounts, 'peek' | 'token' | 'refused' | 'refreshNow'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Everything by which a caller can make the hub ask the platform for a token. */
export class Refreshes {
  readonly #parts: RefreshParts;
  readonly #reportLimit: RateLimit;
  readonly #manualLimit: RateLimit;
  /** By account: the question that is under way, and the token that it is about. */
  readonly #running = new Map<string, { fingerprint: string; answer: Promise<TokenAnswer> }>();

  constructor(parts: RefreshParts) {
    this.#parts = parts;
    this.#reportLimit = new RateLimit(REPORT_RATE, parts.clock);
    this.#manualLimit = new RateLimit(MANUAL_RATE, parts.clock);
  }

  /** A thousand sidecars that report the same token at once cost one question, and one of the rate. */
  async report(caller: Caller, appid: string, fingerprint: string, errcode: number): Promise<RefreshOutcome> {
    const { accounts } = this.#parts;
    const isCurrent = accounts.peek(appid)?.fingerprint === fingerprint;
    const running = this.#running.get(appid);
    const joins = running?.fingerprint === fingerprint;
    const retryAfterMs = isCurrent && !joins ? this.#reportLimit.spend(`${caller.kind} ${caller.name}`) : 0;
    if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };
    // A report of an earlier token asks nothing of the platform, and must not part others from their question.
    const answer = await (joins
      ? running.answer
      : isCurrent
        ? this.#ask(appid, fingerprint, errcode)
        : accounts.refused(appid, fingerprint, errcode));
    this.#audit(caller, appid, answer, { fingerprint, errcode, isCurrent });
    return answer;
  }

  /** A person wants another token now. */
  async byHand(caller: Caller, appid: string): Promise<RefreshOutcome> {
    const { accounts } = this.#parts;
    const retryAfterMs = this.#manualLimit.spend(`${caller.kind} ${caller.name} ${appid}`);
    if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };
    const fingerprint = accounts.peek(appid)?.fingerprint;
    const answer = await accounts.refreshNow(appid);
    this.#audit(caller, appid, answer, { fingerprint, errcode: undefined, isCurrent: true });
    return answer;
  }

  #ask(appid: string, fingerprint: string, errcode: number): Promise<TokenAnswer> {
    const answer = this.#parts.accounts.refused(appid, fingerprint, errcode);
    const entry = { fingerprint, answer };
    this.#running.set(appid, entry);
    return answer.finally(() => {
      if (this.#running.get(appid) === entry) this.#running.delete(appid);
    });
  }

  #audit(
    caller: Caller,
    appid: string,
    answer: TokenAnswer,
    told: { fingerprint: string | undefined; errcode: number | undefined; isCurrent: boolean },
  ): void {
    const now = answer.kind === 'token' ? answer.token.fingerprint : undefined;
    const changed = now !== undefined && now !== told.fingerprint;
    const result = changed
      ? told.isCurrent
        ? 'renewed'
        : 'not_current'
      : now === undefined
        ? 'unavailable'
        : 'unchanged';
    const { fingerprint, errcode } = told;
    this.#parts.audit.refreshed({ caller, appid, fingerprint, errcode, result, now });
  }
}
