import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type State, type Trigger, type Diagnosis, wakeAtMs } from '../token/state.ts';
import { isLive, type Token } from '../token/token.ts';
import type { Failure, ProbeOutcome } from '../wechat/issuer.ts';

/** Logs what happens to one account's token. */
export class KeeperLog {
  readonly #appid: string;
  readonly #log: Log;
  readonly #clock: Clock;

  constructor(appid: string, { log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#appid = appid;
    this.#log = log;
    this.#clock = clock;
  }

  storeIsSlow(): void {
    this.#log.warn('token store is slow; starting without it', { app: this.#appid });
  }

  remembered({ fingerprint }: Token): void {
    this.#log.info('token loaded from the store', { app: this.#appid, fingerprint });
  }

  fetched(trigger: Trigger, token: Token, before: Token | undefined): void {
    const isSame = before?.fingerprint === token.fingerprint;
    this.#log.info(isSame ? 'token unchanged' : 'token refreshed', {
      app: this.#appid,
      trigger,
      fingerprint: token.fingerprint,
      previous: isSame ? undefined : before?.fingerprint,
      expiresInS: this.#secondsUntil(token.expiresAtMs),
    });
  }

  spaced(message: string): void {
    this.#log.error('tokens are too short-lived; fetches are spaced', { app: this.#appid, message });
  }

  adopted(token: Token, before: Token | undefined): void {
    this.#log.info('token adopted from another hub', {
      app: this.#appid,
      fingerprint: token.fingerprint,
      previous: before?.fingerprint,
      expiresInS: this.#secondsUntil(token.expiresAtMs),
    });
  }

  fetchFailed(trigger: Trigger, diagnosis: Diagnosis, { rid }: Failure, state: State): void {
    this.#log[diagnosis.recheckMs === undefined ? 'warn' : 'error']('token fetch failed', {
      app: this.#appid,
      trigger,
      errcode: diagnosis.errcode,
      rid,
      message: diagnosis.message,
      againInS: this.#againInS(state),
      fingerprint: this.#live(state)?.fingerprint,
      serving: this.#serving(state),
    });
  }

  denied(isNew: boolean, trigger: Trigger, message: string, state: State): void {
    this.#log[isNew ? 'error' : 'debug']('token fetch blocked', {
      app: this.#appid,
      trigger,
      message,
      serving: this.#serving(state),
    });
  }

  probed({ fingerprint }: Token, outcome: ProbeOutcome, diagnosis: Diagnosis | undefined): void {
    this.#log[diagnosis === undefined ? 'info' : 'warn'](PROBED[outcome.kind], {
      app: this.#appid,
      fingerprint,
      errcode: outcome.kind === 'accepted' ? undefined : outcome.errcode,
      rid: outcome.kind === 'failure' ? outcome.rid : undefined,
      message: diagnosis?.message,
    });
  }

  /** The platform refuses the token, and the quota delays its successor. */
  rationed(state: State): void {
    const isSpaced = state.phase.kind === 'rationed' && state.phase.next === 'fetch';
    this.#log.warn(isSpaced ? 'forced refresh delayed' : 'refused token cannot be replaced yet', {
      app: this.#appid,
      fingerprint: state.token?.fingerprint,
      againInS: this.#againInS(state),
      message: isSpaced ? SPACED : RATIONED,
    });
  }

  #live({ token }: State): Token | undefined {
    return isLive(token, this.#clock.monotonicMs()) ? token : undefined;
  }

  #serving(state: State): string {
    return this.#live(state) === undefined ? 'no token' : 'the current token';
  }

  #againInS(state: State): number {
    const againMs = wakeAtMs(state);
    return againMs === undefined ? 0 : Math.ceil((againMs - this.#clock.monotonicMs()) / 1_000);
  }

  #secondsUntil(atMs: number): number {
    return Math.round((atMs - this.#clock.monotonicMs()) / 1_000);
  }
}

const PROBED: Readonly<Record<ProbeOutcome['kind'], string>> = {
  accepted: 'token was reported as refused, but the platform accepts it',
  refused: 'token was reported as refused, and the platform refuses it',
  failure: 'token was reported as refused, and could not be probed',
};

/** Shown in the log and in `/status`. */
export const SPACED = 'The platform allows one forced refresh per 30 s; the next one follows after that.';

export const RATIONED =
  'The quota of refreshes for refused tokens is used up. Find out whether another program fetches tokens for this account, or whether calls go to the wrong account.';
