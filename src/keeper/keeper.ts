import { type Clock, type Timer, toUnixMs } from '../base/clock.ts';
import { within } from '../base/wait.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { step } from '../token/machine.ts';
import { isCovered, isDoubted, type Report, settlingLook } from '../token/doubt.ts';
import { policyFor } from '../token/policy.ts';
import type { Refusal, ReportAnswer, TokenAnswer } from '../token/source.ts';
import { diagnosisWhileSpaced } from '../token/spacing.ts';
import {
  type Effect,
  type Event,
  INITIAL_STATE,
  type SharedState,
  type State,
  type Trigger,
  wakeAtMs,
} from '../token/state.ts';
import { isLive, isSameToken, makeToken, type Token } from '../token/token.ts';
import { diagnose } from '../wechat/errcodes.ts';
import type { Credentials, Failure, FetchOutcome, Issuer } from '../wechat/issuer.ts';
import { answerNow, finalAnswer, finalReportAnswer, reportAnswerNow } from './answer.ts';
import { CatchUp } from './catch-up.ts';
import { causeOf, Failures } from './failures.ts';
import { KeeperLog } from './keeper-log.ts';
import type { KeeperObserver } from './observer.ts';
import { FROM_ELSEWHERE, ReportKeys } from './report-keys.ts';
import { RollingCount } from './rolling-count.ts';
import { settled } from './settled.ts';
import { type AccountStatus, accountStatus } from './status.ts';
import type { TokenStore } from '../store/store.ts';
import { Waiters } from './waiters.ts';
import { type LeaseDenied, type LeaseManager, localLease } from '../token/lease.ts';

/** Upper bound between wake-ups, because clocks jump and machines suspend. */
const LOOK_MS_MAX = 30_000;

/** A store that takes longer than this is not waited for; fetching a token costs only one call. */
const LOAD_MS_MAX = 1_500;
const NOTHING_STORED: SharedState = { forcedAtMs: [] };

/** How soon we retry after a lease was denied; this sends nothing to the platform. */
const DENIED_MS = 3_000;
/** The same where only people can help, and each attempt asks the platform twice. */
const UNRECORDED_MS = 60_000;

export interface KeeperParts {
  readonly app: Credentials;
  readonly issuer: Issuer;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: KeeperObserver;
  readonly isKnown: (fingerprint: string) => boolean;
}

/** Keeps one account's token: carries out the state machine's effects and returns their outcomes to it. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #waiters: Waiters;
  readonly #reportKeys: ReportKeys;
  readonly #narrator: KeeperLog;
  readonly #fetches: RollingCount = new RollingCount();
  readonly #failures: Failures;
  #app: Credentials;
  #leases: LeaseManager;
  readonly #catchUp: CatchUp;
  #state: State = INITIAL_STATE;
  #timer: Timer | undefined;
  #wasTried = false;
  #closed = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#app = parts.app;
    this.#leases = this.#share(parts.app);
    this.#catchUp = new CatchUp(() => this.#leases.reread(), parts.clock);
    this.#waiters = new Waiters(parts.clock, () => this.#state);
    this.#failures = new Failures(parts.clock);
    this.#reportKeys = new ReportKeys(parts.clock);
    this.#narrator = new KeeperLog(parts.app.appid, parts);
  }

  /** Loads the token from the store, and fetches one if there is none. */
  start(): void {
    const { store, clock } = this.#parts;
    const { appid, mode } = this.#app;
    const load = (): Promise<SharedState | undefined> => store.load({ appid, mode });
    within(clock, LOAD_MS_MAX, load, () => this.#narrator.storeIsSlow()).then(
      (known) => this.#onLoaded(known ?? NOTHING_STORED),
      () => this.#onLoaded(NOTHING_STORED),
    );
  }

  get app(): Credentials {
    return this.#app;
  }

  /** Returns the live token without waiting. */
  peek(): Token | undefined {
    const { token } = this.#state;
    return isLive(token, this.#parts.clock.monotonicMs()) ? token : undefined;
  }

  token(): Promise<TokenAnswer> {
    if (this.peek() === undefined) this.#dispatch({ kind: 'demanded' });
    return this.#other(undefined, false);
  }

  /** Like `token`, but if the token is due for renewal, waits for its successor as long as a caller can. */
  lastingToken(): Promise<TokenAnswer> {
    this.#dispatch({ kind: 'demanded' });
    return this.#other(undefined, true);
  }

  /** `caller` separates reporters, so that one cannot crowd out the others. */
  async report(refusal: Refusal, caller: string): Promise<ReportAnswer> {
    const { fingerprint } = refusal;
    if (!this.#parts.isKnown(fingerprint)) this.#catchUp.run();
    if (this.peek()?.fingerprint !== fingerprint) {
      const answer = await this.token();
      return answer.kind === 'token' ? { ...answer, kind: 'not_current' } : answer;
    }
    const report = this.#reportOf(refusal, caller);
    const want = {
      fingerprint,
      key: report.key,
      look: settlingLook(this.#state.doubt, report.key),
      wasCovered: isCovered(this.#state.doubt, report, this.#parts.clock.monotonicMs()),
    };
    this.#dispatch({ kind: 'reported', fingerprint, ...report });
    return this.#waiters.answer({
      now: (state, nowMs, deadlineMs) => reportAnswerNow(state, { ...want, deadlineMs }, nowMs),
      final: (state, nowMs) => finalReportAnswer(state, { ...want, deadlineMs: nowMs }, nowMs),
    });
  }

  /** Whether a report starts nothing: the token is not current, or a look or hold covers the path. */
  isFree(refusal: Refusal, caller: string): boolean {
    if (this.peek()?.fingerprint !== refusal.fingerprint) return true;
    return isCovered(this.#state.doubt, this.#reportOf(refusal, caller), this.#parts.clock.monotonicMs());
  }

  /** A person requests a new token now: forced in mode stable, if the quota allows it. */
  refreshNow(): Promise<TokenAnswer> {
    const before = this.peek();
    this.#dispatch({ kind: 'manual' });
    return this.#other(before?.fingerprint, false);
  }

  /** Adopts tokens and forced refreshes of the account's other owners. */
  adopt(shared: SharedState): void {
    const before = this.#state.token;
    this.#dispatch({ kind: 'adopted', ...shared });
    this.#noteAdoption(before);
    const { doubted } = shared;
    if (doubted === undefined || doubted !== this.peek()?.fingerprint) return;
    this.#dispatch({ kind: 'reported', fingerprint: doubted, ...FROM_ELSEWHERE });
  }

  reconfigure(app: Credentials): void {
    if (app.mode !== this.#app.mode) {
      this.#leases.close();
      this.#leases = this.#share(app);
    }
    this.#app = app;
    this.#dispatch({ kind: 'reconfigured' });
  }

  status(): AccountStatus {
    const { clock } = this.#parts;
    return accountStatus(
      {
        appid: this.#app.appid,
        mode: this.#app.mode,
        state: this.#state,
        lastFailure: this.#failures.last,
        fetchesLastDay: this.#fetches.total(clock.monotonicMs()),
        waiting: this.#waiters.size,
        shared: this.#leases.status(),
      },
      clock,
    );
  }

  /** Whether a first fetch has ended, successfully or not, or the store had a token. */
  wasTried(): boolean {
    return this.#wasTried || this.hasHadToken();
  }

  hasHadToken(): boolean {
    return this.#state.token !== undefined;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#leases.close();
    this.#waiters.close();
  }

  /** Returns the live token, if possible another than the unwanted one. */
  #other(unwanted: string | undefined, isLasting: boolean): Promise<TokenAnswer> {
    return this.#waiters.answer({
      now: (state, nowMs, deadlineMs) => answerNow(state, { unwanted, isLasting, deadlineMs }, nowMs),
      final: finalAnswer,
    });
  }

  #reportOf({ path, errcode, succeeded }: Refusal, caller: string): Report {
    return { key: this.#reportKeys.keyOf(caller, path), errcode, succeeded };
  }

  /** Each mode has its own tokens and its own lease. */
  #share({ appid, mode }: Credentials): LeaseManager {
    const { store } = this.#parts;
    return store.share?.({ appid, mode }, (shared) => this.adopt(shared)) ?? localLease;
  }

  #onLoaded(found: SharedState): void {
    this.#dispatch({ kind: 'loaded', ...found });
    const { token } = this.#state;
    if (token !== undefined) this.#narrator.remembered(token);
  }

  /** The only place where the state changes. */
  #dispatch(event: Event): void {
    if (this.#closed) return;
    const { clock, random } = this.#parts;
    const before = this.#state;
    const { state, effects } = step(before, event, clock.monotonicMs(), policyFor(this.#app.mode), random);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (state !== before) {
      if (state.token !== undefined && !isSameToken(state.token, before.token))
        this.#notifyChange(state.token);
      this.#waiters.settle();
      this.#noteRation(before, state);
    }
    this.#shareDoubt();
    if (state !== before || event.kind === 'wake') this.#arm();
  }

  #arm(): void {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const nextMs = Math.min(wakeAtMs(this.#state) ?? Infinity, nowMs + LOOK_MS_MAX);
    this.#timer?.cancel();
    this.#timer = clock.after(nextMs - nowMs, () => this.#dispatch({ kind: 'wake' }));
  }

  #carryOut(effect: Effect): void {
    const { observer } = this.#parts;
    switch (effect.kind) {
      case 'fetch':
        void this.#fetch(effect.round, effect.trigger, effect.force);
        return;
      case 'probe':
        void this.#probe(effect.round, effect.token);
        return;
      case 'save':
        this.#save(this.#state.token);
        return;
      case 'looked':
        observer.looked({ appid: this.#app.appid, outcome: effect.outcome });
        return;
      case 'concluded':
        this.#wasTried = true;
        observer.refreshed({ appid: this.#app.appid, trigger: effect.trigger, result: effect.result });
        return;
    }
  }

  async #fetch(round: number, trigger: Trigger, force: boolean): Promise<void> {
    const { clock, issuer, store } = this.#parts;
    const app = this.#app;
    const acquired = this.#leases.acquire(force);
    const lease = acquired instanceof Promise ? await acquired : acquired;
    if (lease.kind === 'superseded') return this.#yield(round, lease.shared);
    if (lease.kind === 'denied') return this.#onDenied(round, trigger, lease);
    try {
      // A crash must not lose the record of this use of the quota.
      if (force && store.written !== undefined) await store.written();
      const startedMs = clock.monotonicMs();
      this.#fetches.add(startedMs);
      const outcome = await settled(() => issuer.fetch(app, force), clock);
      const overtaken = await lease.overtaken(outcome.kind === 'token' ? outcome.value : undefined);
      if (overtaken !== undefined) this.#yield(round, overtaken);
      else if (outcome.kind === 'token') this.#onToken(round, trigger, outcome, startedMs);
      else this.#onFailure(round, trigger, outcome);
    } finally {
      lease.release();
    }
  }

  /** Another owner has made this round unnecessary. */
  #yield(round: number, shared: SharedState): void {
    const before = this.#state.token;
    this.#dispatch({ kind: 'yielded', round, ...shared });
    this.#noteAdoption(before);
  }

  /** No lease can be acquired while the store is unavailable. */
  #onDenied(round: number, trigger: Trigger, { reason, message }: LeaseDenied): void {
    if (this.#closed) return;
    const recheckMs = reason === 'forced_unrecorded' ? UNRECORDED_MS : DENIED_MS;
    const diagnosis = { errcode: -1, message, recheckMs };
    const isNew = this.#failures.note({ cause: 'store', reason }, diagnosis);
    this.#dispatch({ kind: 'fetchFailed', round, diagnosis, unused: true });
    this.#narrator.denied(isNew, trigger, message, this.#state);
  }

  #onToken(
    round: number,
    trigger: Trigger,
    outcome: FetchOutcome & { kind: 'token' },
    startedMs: number,
  ): void {
    const { value, expiresInMs } = outcome;
    const token = makeToken(value.reveal(), startedMs, expiresInMs);
    if (this.#closed) {
      // It replaced the token that the other owners serve, so it is saved for them.
      this.#save(token);
      return;
    }
    const before = this.#state.token;
    this.#dispatch({ kind: 'fetched', round, token });
    this.#narrator.fetched(trigger, token, before);
    this.#noteSpacing();
  }

  /** Tokens with a very short lifetime are a platform failure too: logged once, shown while it lasts. */
  #noteSpacing(): void {
    const diagnosis = diagnosisWhileSpaced(this.#state.spacing, this.#parts.clock.monotonicMs());
    if (diagnosis === undefined) return this.#failures.end();
    const lifeS = Math.floor(diagnosis.lifeMs / 1_000);
    const isNew = this.#failures.note({ cause: 'short_lived', lifeS }, diagnosis);
    if (isNew) this.#narrator.spaced(diagnosis.message);
  }

  #onFailure(round: number, trigger: Trigger, failure: Failure): void {
    if (this.#closed) return;
    const diagnosis = diagnose(failure);
    this.#failures.note(causeOf(failure), diagnosis);
    this.#parts.observer.fetchFailed({ appid: this.#app.appid, errcode: failure.errcode });
    // A classic fetch that the platform refuses has invalidated no token.
    const isUnspent = this.#app.mode === 'classic' && failure.cause === 'platform';
    this.#dispatch({ kind: 'fetchFailed', round, diagnosis, ...(isUnspent && { unused: true }) });
    this.#narrator.fetchFailed(trigger, diagnosis, failure, this.#state);
  }

  #noteAdoption(before: Token | undefined): void {
    const { token } = this.#state;
    if (this.#closed || token === undefined || token === before) return;
    this.#wasTried = true;
    this.#failures.end();
    this.#narrator.adopted(token, before);
  }

  async #probe(round: number, token: Token): Promise<void> {
    await this.#leases.reread();
    if (this.peek()?.fingerprint !== token.fingerprint) return this.#yield(round, NOTHING_STORED);
    const outcome = await settled(() => this.#parts.issuer.probe(token), this.#parts.clock);
    if (this.#closed) return;
    const found = outcome.kind === 'failure' ? diagnose(outcome) : outcome.kind;
    this.#narrator.probed(token, outcome, typeof found === 'string' ? undefined : found);
    this.#dispatch({ kind: 'probed', round, outcome: found });
  }

  #save(token: Token | undefined): void {
    const { appid, mode } = this.#app;
    const forcedAtMs = this.#state.usedAtMs.stable;
    this.#parts.store.save({ appid, mode }, { ...(token !== undefined && { token }), forcedAtMs });
  }

  #notifyChange(token: Token): void {
    const { clock, observer } = this.#parts;
    const expiresAtUnixMs = toUnixMs(token.expiresAtMs, clock);
    observer.tokenChanged({ appid: this.#app.appid, fingerprint: token.fingerprint, expiresAtUnixMs });
  }

  /** Another owner of the account may be able to run the look that we cannot. */
  #shareDoubt(): void {
    const { phase, doubt, token } = this.#state;
    const isStuck = phase.kind === 'resting' && isDoubted(doubt);
    if (isStuck && isLive(token, this.#parts.clock.monotonicMs())) this.#leases.doubt(token.fingerprint);
  }

  #noteRation(before: State, state: State): void {
    const [was, is] = [before, state].map(({ phase }) => phase.kind === 'rationed');
    if (was === is) return;
    this.#parts.observer.rationed({ appid: this.#app.appid, isRationed: is === true });
    if (is === true) this.#narrator.rationed(state);
  }
}
