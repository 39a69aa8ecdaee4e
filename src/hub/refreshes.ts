import type { Clock } from '../base/clock.ts';
import { type Rate, RateLimit } from '../base/rate-limit.ts';
import type { Refusal, ReportAnswer, TokenAnswer } from '../token/source.ts';
import type { Audit } from './audit.ts';
import type { Caller } from './authenticator.ts';
import type { HubAccounts } from './accounts.ts';

/**
 * For one caller's reports about one account that need a new check, not those answered by one in progress
 * or a hold.
 */
export const REPORT_RATE: Rate = { burst: 500, refillMs: 2 };
/** For people at the page, per account. */
export const MANUAL_RATE: Rate = { burst: 3, refillMs: 60_000 };

interface Limited {
  readonly kind: 'limited';
  readonly retryAfterMs: number;
}

export type ReportOutcome = ReportAnswer | Limited;
export type RefreshOutcome = TokenAnswer | Limited;

export interface RefreshParts {
  readonly accounts: Pick<HubAccounts, 'peek' | 'report' | 'isFreeReport' | 'refreshNow'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Every way in which a caller can make the hub ask the platform for a token. */
export class Refreshes {
  readonly #parts: RefreshParts;
  readonly #reportLimit: RateLimit;
  readonly #manualLimit: RateLimit;

  constructor(parts: RefreshParts) {
    this.#parts = parts;
    this.#reportLimit = new RateLimit(REPORT_RATE, parts.clock);
    this.#manualLimit = new RateLimit(MANUAL_RATE, parts.clock);
  }

  /** A thousand identical reports at once cost one check and one unit of the rate. */
  async report(caller: Caller, appid: string, refusal: Refusal): Promise<ReportOutcome> {
    const { accounts } = this.#parts;
    const name = `${caller.kind} ${caller.name}`;
    if (!accounts.isFreeReport(appid, refusal, name)) {
      const retryAfterMs = this.#reportLimit.consume(`${name} ${appid}`);
      if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };
    }
    const answer = await accounts.report(appid, refusal, name);
    const { fingerprint, errcode } = refusal;
    const now = answer.kind === 'unavailable' ? undefined : answer.token.fingerprint;
    this.#parts.audit.refreshed({ caller, appid, fingerprint, errcode, result: answer.kind, now });
    return answer;
  }

  /** A person asked for a new token. */
  async byHand(caller: Caller, appid: string): Promise<RefreshOutcome> {
    const { accounts } = this.#parts;
    const retryAfterMs = this.#manualLimit.consume(`${caller.kind} ${caller.name} ${appid}`);
    if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };
    const fingerprint = accounts.peek(appid)?.fingerprint;
    const answer = await accounts.refreshNow(appid);
    const now = answer.kind === 'token' ? answer.token.fingerprint : undefined;
    const result = now === undefined ? 'unavailable' : now === fingerprint ? 'unchanged' : 'renewed';
    this.#parts.audit.refreshed({ caller, appid, fingerprint, result, now });
    return answer;
  }
}
