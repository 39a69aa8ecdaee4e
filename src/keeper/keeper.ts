import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { step } from '../token/machine.ts';
import { policyFor } from '../token/policy.ts';
import type { TokenAnswer } from '../token/source.ts';
import { INITIAL_STATE, wakeAtMs } from '../token/state.ts';
import type { Effect, Event, Shared, State, Trigger } from '../token/state.ts';
import { isLive, makeToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import { troubleOf } from '../wechat/errcodes.ts';
import type { Credentials, Failure, FetchOutcome, Issuer, ProbeOutcome } from '../wechat/issuer.ts';
import { Failures } from './failures.ts';
import type { KeeperObserver } from './observer.ts';
import { RollingCount } from './rolling-count.ts';
import { accountStatus } from './status.ts';
import type { AccountStatus } from './status.ts';
import { fromRecord, toRecord } from './store.ts';
import type { Recollection, TokenStore } from './store.ts';
import { ownTurns } from './turns.ts';
import type { Turns } from './turns.ts';
import { Waiters } from './waiters.ts';

/** The state is looked at this often at least: clocks jump, and machines sleep. */
const LOOK_MS_MAX = 30_000;

/** A store that takes longer than this to answer is not waited for; a token costs one call. */
const LOAD_MS_MAX = 1_500;

/** Far beyond the time limits of the calls themselves: a round always ends. */
const CALL_MS_MAX = 30_000;

/** How soon we try again where it could not be our turn; it costs the platform nothing. */
const WITHHELD_MS = 3_000;

export interface KeeperParts {
  readonly app: Credentials;
  readonly issuer: Issuer;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: KeeperObserver;
}

/** Keeps one account's token: carries out what the state machine decides, and tells it what came of it. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #waiters: Waiters;
  readonly #fetches: RollingCount = new RollingCount();
  readonly #failures: Failures = new Failures();
  #app: Credentials;
  #turns: Turns;
  #state: State = INITIAL_STATE;
  #timer: Timer | undefined;
  #wasTried = false;
  #closed = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#app = parts.app;
    this.#turns = this.#share(parts.app);
    this.#waiters = new Waiters(parts.clock, () => this.#state);
  }

  /** Loads what the store remembers, and asks for a token where that is none. */
  start(): void {
    const { store, clock, log } = this.#parts;
    const { appid, mode } = this.#app;
    let isWaited = true;
    const loaded = (found: Recollection): void => {
      if (!isWaited) return;
      isWaited = false;
      limit.cancel();
      this.#onLoaded(found);
    };
    const limit = clock.after(LOAD_MS_MAX, () => {
      log.warn('token store is slow; starting without it', { app: appid });
      loaded({ forcedAtMs: [] });
    });
    store.load(appid, mode).then(
      (record) => loaded(record === undefined ? { forcedAtMs: [] } : fromRecord(record, clock)),
      () => loaded({ forcedAtMs: [] }),
    );
  }

  get app(): Credentials {
    return this.#app;
  }

  /** The live token, without waiting. */
  peek(): Token | undefined {
    const { token } = this.#state;
    return isLive(token, this.#parts.clock.lifeMs()) ? token : undefined;
  }

  token(): Promise<TokenAnswer> {
    if (this.peek() === undefined) this.#dispatch({ kind: 'wake' });
    return this.#waiters.answer(undefined);
  }

  refused(fingerprint: string, errcode: number): Promise<TokenAnswer> {
    if (this.peek()?.fingerprint !== fingerprint) return this.token();
    this.#dispatch({ kind: 'reported', fingerprint, errcode });
    return this.#waiters.answer(fingerprint);
  }

  /** A person asks for a new token now: forced in mode stable, as far as the ration goes. */
  refreshNow(): Promise<TokenAnswer> {
    const before = this.peek();
    this.#dispatch({ kind: 'manual' });
    return this.#waiters.answer(before?.fingerprint);
  }

  /** Takes over what other holders of this account have fetched and spent. */
  adopt(shared: Shared): void {
    const before = this.#state.token;
    this.#dispatch({ kind: 'adopted', ...shared });
    this.#logAdoption(before);
  }

  reconfigure(app: Credentials): void {
    if (app.mode !== this.#app.mode) {
      this.#turns.close();
      this.#turns = this.#share(app);
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
        fetchesLastDay: this.#fetches.total(clock.lifeMs()),
        waiting: this.#waiters.size,
        shared: this.#turns.status(),
      },
      clock,
    );
  }

  /** Whether a first token was asked for, with whatever outcome, or was remembered. */
  wasTried(): boolean {
    return this.#wasTried || this.hasHadToken();
  }

  hasHadToken(): boolean {
    return this.#state.token !== undefined;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#turns.close();
    this.#waiters.close();
  }

  /** Each mode has tokens, and turns, of its own. */
  #share({ appid, mode }: Credentials): Turns {
    const { store } = this.#parts;
    return store.share?.({ appid, mode }, (shared) => this.adopt(shared)) ?? ownTurns;
  }

  #onLoaded(found: Recollection): void {
    this.#dispatch({ kind: 'loaded', ...found });
    const { token } = this.#state;
    if (token === undefined) return;
    const { appid } = this.#app;
    this.#parts.log.info('token remembered', { app: appid, fingerprint: token.fingerprint });
  }

  /** The one place where the state changes. */
  #dispatch(event: Event): void {
    if (this.#closed) return;
    const { clock, random } = this.#parts;
    const before = this.#state;
    const { state, effects } = step(before, event, clock.lifeMs(), policyFor(this.#app.mode), random);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (state !== before) {
      if (state.token !== undefined && state.token !== before.token) this.#tellChange(state.token);
      this.#waiters.settle();
      if (state.phase.kind === 'rationed' && before.phase.kind !== 'rationed') this.#tellRationed(state);
    }
    if (state !== before || event.kind === 'wake') this.#arm();
  }

  #arm(): void {
    const { clock } = this.#parts;
    const nowMs = clock.lifeMs();
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
      case 'concluded':
        this.#wasTried = true;
        observer.refreshed({ appid: this.#app.appid, trigger: effect.trigger, result: effect.result });
        return;
    }
  }

  async #fetch(round: number, trigger: Trigger, force: boolean): Promise<void> {
    const { clock, issuer, store } = this.#parts;
    const app = this.#app;
    const taken = this.#turns.take(force);
    const turn = taken instanceof Promise ? await taken : taken;
    if (turn.kind === 'needless') return this.#yield(round, turn.shared);
    if (turn.kind === 'withheld') return this.#onWithheld(round, trigger, turn.message);
    try {
      // A crash must not forget what is spent of the ration.
      if (force && store.written !== undefined) await store.written();
      const startedMs = clock.lifeMs();
      this.#fetches.add(startedMs);
      const outcome = await settled(() => issuer.fetch(app, force), clock);
      const overtaken = turn.overtaken();
      if (overtaken !== undefined) this.#yield(round, overtaken);
      else if (outcome.kind === 'token') this.#onToken(round, trigger, outcome, startedMs);
      else this.#onFailure(round, trigger, outcome);
    } finally {
      turn.end();
    }
  }

  /** Another holder has done what the round was for. */
  #yield(round: number, shared: Shared): void {
    const before = this.#state.token;
    this.#dispatch({ kind: 'yielded', round, ...shared });
    this.#logAdoption(before);
  }

  /** It may not be our turn for as long as the store is away. */
  #onWithheld(round: number, trigger: Trigger, message: string): void {
    if (this.#closed) return;
    const isNew = this.#failures.note(-1, message, undefined, this.#parts.clock.wallMs());
    const trouble = { errcode: -1, message, recheckMs: WITHHELD_MS, elsewhere: true } as const;
    this.#dispatch({ kind: 'fetchFailed', round, trouble, unspent: true });
    this.#parts.log[isNew ? 'error' : 'debug']('token fetch withheld', {
      app: this.#app.appid,
      trigger,
      message,
      serving: this.#serving(),
    });
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
      // It has taken the place of the one that others hold; so it is kept for them.
      this.#save(token);
      return;
    }
    const previous = this.#state.token?.fingerprint;
    this.#failures.end();
    this.#dispatch({ kind: 'fetched', round, token });
    this.#parts.log.info(previous === token.fingerprint ? 'token is still the same' : 'token refreshed', {
      app: this.#app.appid,
      trigger,
      fingerprint: token.fingerprint,
      previous: previous === token.fingerprint ? undefined : previous,
      expiresInS: Math.round(expiresInMs / 1_000),
    });
  }

  #onFailure(round: number, trigger: Trigger, failure: Failure): void {
    if (this.#closed) return;
    const trouble = troubleOf(failure);
    this.#failures.note(trouble.errcode, trouble.message, failure.rid, this.#parts.clock.wallMs());
    this.#parts.observer.fetchFailed({ appid: this.#app.appid, errcode: trouble.errcode });
    this.#dispatch({ kind: 'fetchFailed', round, trouble });
    this.#parts.log[trouble.recheckMs === undefined ? 'warn' : 'error']('token fetch failed', {
      app: this.#app.appid,
      trigger,
      errcode: trouble.errcode,
      rid: failure.rid,
      message: trouble.message,
      againInS: this.#againInS(),
      fingerprint: this.peek()?.fingerprint,
      serving: this.#serving(),
    });
  }

  #serving(): string {
    return this.peek() === undefined ? 'no token' : 'the current token';
  }

  #logAdoption(before: Token | undefined): void {
    const { token } = this.#state;
    if (this.#closed || token === undefined || token === before) return;
    this.#wasTried = true;
    this.#failures.end();
    this.#parts.log.info('token adopted from another hub', {
      app: this.#app.appid,
      fingerprint: token.fingerprint,
      previous: before?.fingerprint,
      expiresInS: Math.round((token.expiresAtMs - this.#parts.clock.lifeMs()) / 1_000),
    });
  }

  async #probe(round: number, token: Token): Promise<void> {
    const { clock, issuer } = this.#parts;
    const looking = this.#turns.look();
    if (looking !== undefined) await looking;
    if (this.peek()?.fingerprint !== token.fingerprint) return this.#yield(round, { forcedAtMs: [] });
    const outcome = await settled(() => issuer.probe(token), clock);
    if (this.#closed) return;
    const isFailure = outcome.kind === 'failure';
    this.#dispatch({ kind: 'probed', round, outcome: isFailure ? troubleOf(outcome) : outcome.kind });
    this.#parts.log[isFailure ? 'warn' : 'info'](PROBED[outcome.kind], {
      app: this.#app.appid,
      fingerprint: token.fingerprint,
      errcode: outcome.kind === 'accepted' ? undefined : outcome.errcode,
      rid: isFailure ? outcome.rid : undefined,
      message: isFailure ? troubleOf(outcome).message : undefined,
    });
  }

  #save(token: Token | undefined): void {
    const { store, clock } = this.#parts;
    const { appid, mode } = this.#app;
    store.save(toRecord(appid, mode, token, this.#state.spentAtMs.stable, clock));
  }

  #tellChange(token: Token): void {
    const { clock, observer } = this.#parts;
    const expiresAtUnixMs = token.expiresAtMs + clock.wallMs() - clock.lifeMs();
    observer.tokenChanged({ appid: this.#app.appid, fingerprint: token.fingerprint, expiresAtUnixMs });
  }

  #tellRationed({ phase, token }: State): void {
    const isSpaced = phase.kind === 'rationed' && phase.next === 'spend';
    this.#parts.log.warn(isSpaced ? 'forced refresh has to wait' : 'refused token cannot be replaced yet', {
      app: this.#app.appid,
      fingerprint: token?.fingerprint,
      againInS: this.#againInS(),
      message: isSpaced
        ? 'The platform allows one forced refresh in 30 s; the next one follows then.'
        : 'As many refreshes as are allowed were spent on refused tokens. Find out whether another program fetches tokens for this account, or whether calls go to the wrong account.',
    });
  }

  #againInS(): number {
    const againMs = wakeAtMs(this.#state);
    return againMs === undefined ? 0 : Math.ceil((againMs - this.#parts.clock.lifeMs()) / 1_000);
  }
}

const PROBED: Readonly<Record<ProbeOutcome['kind'], string>> = {
  accepted: 'token was reported as refused, but the platform accepts it',
  refused: 'token was reported as refused, and the platform refuses it',
  failure: 'token was reported as refused, and could not be tried',
};

/**
 * An issuer answers with values, and in time. A defect in it shall end neither the process nor the life
 * of the token.
 */
function settled<Outcome>(call: () => Promise<Outcome>, clock: Clock): Promise<Outcome | Failure> {
  return new Promise((resolve) => {
    const limit = clock.after(CALL_MS_MAX, () => resolve(defect('the call did not end')));
    const settle = (outcome: Outcome | Failure): void => {
      limit.cancel();
      resolve(outcome);
    };
    const crash = (): void => settle(defect('the call ended in an internal error'));
    try {
      call().then(settle, crash);
    } catch {
      crash();
    }
  });
}

function defect(detail: string): Failure {
  return { kind: 'failure', cause: 'transport', detail };
}
