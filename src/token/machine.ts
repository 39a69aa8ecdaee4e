import { backoffMs } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import { dueAgainMs, dueMs, earlyMs, plannedMs } from './due.ts';
import { DEMAND_SPACING_MS, type Policy, rationedMs } from './policy.ts';
import {
  isDoubted,
  LOOK_REPEAT_MS,
  LOOK_REPEATS,
  LOOK_SPACING_MS,
  lookAccepted,
  lookBegun,
  lookFailed,
  NO_DOUBT,
  type Report,
  withReport,
} from './doubt.ts';
import { refund, settleUse, withUses } from './uses.ts';
import { manualQuota, checkQuota, pruned } from './quota.ts';
import { notingFailure, notingShared, notingToken, diagnosisWhileSpaced, UNSPACED } from './spacing.ts';
import {
  after,
  type Effect,
  type Event,
  isPassingLook,
  looked,
  type SharedState,
  type State,
  type Step,
  type Trigger,
  type Diagnosis,
  unchanged,
} from './state.ts';
import { isLive, type Token } from './token.ts';

/** The platform's errcode for an expired token. */
const EXPIRED = 42001;
/** The platform's errcode for an exhausted daily quota. */
const USED_UP = 45009;

/** The inputs of a decision other than state and event. */
interface Moment {
  readonly nowMs: number;
  readonly policy: Policy;
  readonly random: Random;
}

/**
 * The state machine of one account's token. Pure: the caller carries out the effects and returns their
 * outcomes as events. At most one round (a fetch or a probe) runs at any time; a token is replaced,
 * never dropped. Returns the same state object if nothing changed.
 */
export function step(state: State, event: Event, nowMs: number, policy: Policy, random: Random): Step {
  const moment: Moment = { nowMs, policy, random };
  switch (event.kind) {
    case 'loaded':
      return onLoaded(state, event.token, event.forcedAtMs, moment);
    case 'wake':
      return onWake(state, moment);
    case 'reported':
      return onReported(state, event.fingerprint, event, moment);
    case 'demanded':
      return onDemanded(state, moment);
    case 'fetched':
      return onFetched(state, event.round, event.token, moment);
    case 'fetchFailed':
      return onFetchFailed(state, event, moment);
    case 'probed':
      return onProbed(state, event.round, event.outcome, moment);
    case 'reconfigured':
      return onReconfigured(state, moment);
    case 'manual':
      return onManual(state, moment);
    case 'adopted':
      return onAdopted(state, event, moment);
    case 'yielded':
      return onYielded(state, event.round, event, moment);
  }
}

function onLoaded(
  state: State,
  token: Token | undefined,
  forcedAtMs: readonly number[],
  moment: Moment,
): Step {
  if (state.phase.kind !== 'loading') return unchanged(state);
  const known: State = {
    ...state,
    usedAtMs: { ...state.usedAtMs, stable: forcedAtMs },
    phase: { kind: 'idle' },
  };
  if (!isLive(token, moment.nowMs)) return beginFetch(known, 'startup', false, moment);
  const served: State = { ...known, token, dueMs: plannedMs(token, moment) };
  return state.fetchAgain ? beginFetch(served, 'manual', false, moment) : onWake(served, moment);
}

function onWake(state: State, moment: Moment): Step {
  const { phase } = state;
  const isDue = moment.nowMs >= state.dueMs;
  switch (phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return unchanged(state);
    case 'idle':
      return isDue ? beginFetch(state, 'ahead', false, moment) : lookIfDue(state, moment);
    case 'resting':
      if (isDue && isPassingLook(phase)) return beginFetch(state, 'ahead', false, moment);
      return moment.nowMs < phase.untilMs ? unchanged(state) : tryAgain(state, phase.trigger, moment);
    case 'rationed':
      if (isDue) return beginFetch(state, 'ahead', false, moment);
      if (moment.nowMs < phase.untilMs) return unchanged(state);
      return phase.next === 'fetch' ? renew(state, moment) : look(state, moment);
  }
}

/** After a backoff. A refresh caused by a report is not repeated blindly: it starts with another look. */
function tryAgain(state: State, trigger: Trigger, moment: Moment): Step {
  const isLook = trigger === 'refused' && isDoubted(state.doubt) && isLive(state.token, moment.nowMs);
  return isLook ? look(state, moment) : beginFetch(state, trigger, false, moment);
}

/** A caller waits for a token or its successor: the backoff after a transient failure is shortened, at a limited rate. */
function onDemanded(state: State, moment: Moment): Step {
  const { phase } = state;
  const mayWake =
    phase.kind === 'resting' && phase.diagnosis.recheckMs === undefined && !phase.diagnosis.throttled;
  const isServed = isLive(state.token, moment.nowMs) && moment.nowMs < state.dueMs;
  if (!mayWake || isServed) return onWake(state, moment);
  const untilMs = Math.max(moment.nowMs, state.demandedAtMs + DEMAND_SPACING_MS);
  if (untilMs >= phase.untilMs) return onWake(state, moment);
  return onWake({ ...state, demandedAtMs: untilMs, phase: { ...phase, untilMs } }, moment);
}

function onReported(state: State, fingerprint: string, report: Report, moment: Moment): Step {
  if (state.token?.fingerprint !== fingerprint) return unchanged(state);
  const doubt = withReport(state.doubt, report, moment.nowMs);
  if (doubt === state.doubt) return unchanged(state);
  const doubting: State = { ...state, doubt };
  // A running round, or the end of a backoff, is followed by a look.
  return state.phase.kind === 'idle' ? lookIfDue(doubting, moment) : unchanged(doubting);
}

function onFetched(state: State, round: number, fetched: Token, moment: Moment): Step {
  const { phase } = state;
  if (phase.kind !== 'fetching' || phase.round !== round) return unchanged(state);
  const charged = notingToken(settleUse(state, phase.charged, moment.nowMs), fetched, moment.nowMs);
  const isNew = charged.token?.fingerprint !== fetched.fingerprint;
  const ended = isNew ? succeeded(charged, fetched, moment) : sameAgain(charged, fetched, moment);
  const isLookOver = isNew && phase.trigger === 'refused' && phase.charged === undefined;
  const effects: Effect[] = [
    { kind: 'save' },
    { kind: 'concluded', trigger: phase.trigger, result: isNew ? 'renewed' : 'unchanged' },
    // The stable endpoint returns another token only if the old one is no longer valid.
    ...(isLookOver ? [looked('refused')] : []),
  ];
  return after(effects, afterFetch(ended, phase.charged !== undefined, moment));
}

function afterFetch(state: State, usedQuota: boolean, moment: Moment): Step {
  if (state.fetchAgain) return beginFetch(state, 'manual', false, moment);
  if (state.doubt.looking === undefined) return lookIfDue(state, moment);
  if (!usedQuota) return beginProbe(state, moment);
  const futileRefreshes = state.doubt.futileRefreshes + 1;
  return rationed({ ...state, doubt: { ...state.doubt, futileRefreshes } }, moment);
}

function onFetchFailed(
  state: State,
  { round, diagnosis, unused }: { round: number; diagnosis: Diagnosis; unused?: true },
  moment: Moment,
): Step {
  const { phase } = state;
  if (phase.kind !== 'fetching' || phase.round !== round) return unchanged(state);
  const charged = unused
    ? refund(state, phase.charged)
    : notingFailure(settleUse(state, phase.charged, moment.nowMs), moment.nowMs);
  const effects: Effect[] = [{ kind: 'concluded', trigger: phase.trigger, result: 'failed' }];
  if (charged.fetchAgain) return after(effects, beginFetch(charged, 'manual', false, moment));
  // The platform counts forced refreshes separately; the quota of normal mode is not affected.
  const isUsedUp = phase.charged === 'stable' && diagnosis.errcode === USED_UP;
  if (isUsedUp) return after(effects, withoutForce(charged, moment));
  const trigger = phase.trigger === 'forced' ? 'refused' : phase.trigger;
  return after(effects, afterFailure(charged, trigger, diagnosis, moment));
}

/** A look that failed transiently is retried soon, while the reporters still wait. */
function afterFailure(state: State, trigger: Trigger, diagnosis: Diagnosis, moment: Moment): Step {
  const { doubt } = state;
  if (doubt.looking === undefined) return unchanged(rest(state, trigger, diagnosis, moment));
  const failed: State = { ...state, doubt: lookFailed(doubt) };
  const effects = [looked('failed')];
  const isRepeated = diagnosis.recheckMs === undefined && !diagnosis.throttled && doubt.tries < LOOK_REPEATS;
  if (!isRepeated) {
    const rested: State = { ...failed, doubt: { ...failed.doubt, tries: 0 } };
    return { state: rest(rested, trigger, diagnosis, moment), effects };
  }
  const untilMs = moment.nowMs + moment.random() * LOOK_REPEAT_MS;
  const repeated: State = {
    ...failed,
    doubt: { ...failed.doubt, tries: doubt.tries + 1 },
    phase: { kind: 'resting', untilMs, trigger, diagnosis },
  };
  return { state: repeated, effects };
}

function onProbed(
  state: State,
  round: number,
  outcome: 'accepted' | 'refused' | Diagnosis,
  moment: Moment,
): Step {
  const { phase } = state;
  if (phase.kind !== 'probing' || phase.round !== round) return unchanged(state);
  const idle: State = { ...state, phase: { kind: 'idle' } };
  if (state.fetchAgain) return beginFetch(idle, 'manual', false, moment);
  if (state.token?.fingerprint !== phase.fingerprint) return onWake(idle, moment);
  if (outcome === 'refused') return after([looked('refused')], renew(idle, moment));
  if (outcome !== 'accepted') return afterFailure(state, 'refused', outcome, moment);
  const doubt = lookAccepted(state.doubt, moment.nowMs);
  return after([looked('accepted')], onWake({ ...idle, attempts: 0, doubt }, moment));
}

function onReconfigured(state: State, moment: Moment): Step {
  switch (state.phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return unchanged({ ...state, spacing: UNSPACED, fetchAgain: true });
    case 'idle':
    case 'resting':
    case 'rationed':
      // The earlier failure may be fixed, and whoever changed a secret sees at once whether it is right.
      return beginFetch({ ...state, spacing: UNSPACED, attempts: 0 }, 'manual', false, moment);
  }
}

function onManual(state: State, moment: Moment): Step {
  switch (state.phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return unchanged(state);
    case 'idle':
    case 'resting':
    case 'rationed': {
      const { mode, quota } = moment.policy;
      const mayForce =
        mode === 'stable' &&
        checkQuota(state.usedAtMs.stable, manualQuota(quota), moment.nowMs).kind === 'allowed';
      return beginFetch(state, 'manual', mayForce, moment);
    }
  }
}

function onAdopted(state: State, shared: SharedState, moment: Moment): Step {
  const { phase } = state;
  if (phase.kind === 'loading') return unchanged(state);
  const noted = notingShared(state, shared.token);
  const known = phase.kind === 'fetching' ? noted : withUses(noted, shared.forcedAtMs, moment.nowMs);
  if (!isSuccessor(shared.token, state, moment)) return unchanged(known);
  const adopted = succeeded(known, shared.token, moment);
  const isBusy = phase.kind === 'fetching' || phase.kind === 'probing';
  return unchanged(isBusy ? { ...adopted, phase } : adopted);
}

function onYielded(state: State, round: number, shared: SharedState, moment: Moment): Step {
  const { phase } = state;
  if (phase.kind !== 'fetching' && phase.kind !== 'probing') return unchanged(state);
  if (phase.round !== round) return unchanged(state);
  const charged = phase.kind === 'fetching' ? phase.charged : undefined;
  const noted = notingShared(refund(state, charged), shared.token);
  const known = withUses(noted, shared.forcedAtMs, moment.nowMs);
  const idle: State = { ...known, phase: { kind: 'idle' } };
  const next = isSuccessor(shared.token, idle, moment) ? succeeded(idle, shared.token, moment) : idle;
  if (next.fetchAgain) return beginFetch(next, 'manual', false, moment);
  if (next.doubt.looking === undefined) return onWake(next, moment);
  return charged === undefined ? look(next, moment) : renew(next, moment);
}

function isSuccessor(token: Token | undefined, state: State, moment: Moment): token is Token {
  return isLive(token, moment.nowMs) && token.fingerprint !== state.token?.fingerprint;
}

/** Looks of one account are spaced; until the next one is due, more reports may join it. */
function lookIfDue(state: State, moment: Moment): Step {
  if (!isDoubted(state.doubt)) return unchanged(state);
  const isDue = moment.nowMs >= state.doubt.lookedAtMs + LOOK_SPACING_MS;
  return isDue ? look(state, moment) : unchanged(state);
}

/** Finds out whether the platform still accepts the current token, in the cheapest way first. */
function look(state: State, moment: Moment): Step {
  const { token } = state;
  if (!isLive(token, moment.nowMs)) return beginFetch(state, 'ahead', false, moment);
  const looking: State = { ...state, doubt: lookBegun(state.doubt, moment.nowMs) };
  if (moment.policy.mode === 'stable') return beginFetch(looking, 'refused', false, moment);
  // This close to its expiry, trusting the platform's errcode costs nothing.
  const isNearEnd = token.expiresAtMs - moment.nowMs <= earlyMs(token, moment.policy);
  return state.doubt.errcode === EXPIRED && isNearEnd ? renew(looking, moment) : beginProbe(looking, moment);
}

/** The platform refuses the current token: only a costly refresh helps, if the quota allows it. */
function renew(state: State, moment: Moment): Step {
  const { mode, quota } = moment.policy;
  const permission = checkQuota(state.usedAtMs[mode], quota, moment.nowMs);
  switch (permission.kind) {
    case 'allowed':
      return beginFetch(state, mode === 'stable' ? 'forced' : 'refused', true, moment);
    case 'tooSoon':
      return unchanged({ ...state, phase: { kind: 'rationed', untilMs: permission.untilMs, next: 'fetch' } });
    case 'usedUp':
      return rationed(state, moment);
  }
}

/** Only a token that a look has found refused has to wait: a report that is pending gets its look. */
function withoutForce(state: State, moment: Moment): Step {
  if (state.doubt.looking !== undefined) return rationed(state, moment);
  return onWake({ ...state, phase: { kind: 'idle' } }, moment);
}

function rationed(state: State, moment: Moment): Step {
  const untilMs = moment.nowMs + rationedMs(state.doubt.futileRefreshes);
  return unchanged({ ...state, phase: { kind: 'rationed', untilMs, next: 'look' } });
}

function beginFetch(state: State, trigger: Trigger, usesQuota: boolean, moment: Moment): Step {
  const spaced = diagnosisWhileSpaced(state.spacing, moment.nowMs);
  if (spaced !== undefined) {
    const waiting: State = { ...state, doubt: lookFailed(state.doubt), fetchAgain: false };
    return unchanged(rest(waiting, trigger === 'forced' ? 'refused' : trigger, spaced, moment));
  }
  const { mode, quota } = moment.policy;
  const round = state.rounds + 1;
  const force = usesQuota && mode === 'stable';
  const begun: State = {
    ...state,
    rounds: round,
    phase: { kind: 'fetching', round, trigger, charged: usesQuota ? mode : undefined },
    fetchAgain: false,
  };
  const fetch: Effect = { kind: 'fetch', round, trigger, force };
  if (!usesQuota) return { state: begun, effects: [fetch] };
  const usedAtMs = [...pruned(state.usedAtMs[mode], quota, moment.nowMs), moment.nowMs];
  // Saved before the call, so that a crash does not lose the record of this use.
  return {
    state: { ...begun, usedAtMs: { ...state.usedAtMs, [mode]: usedAtMs } },
    effects: [{ kind: 'save' }, fetch],
  };
}

function beginProbe(state: State, moment: Moment): Step {
  const { token } = state;
  // An expired token needs no verdict: it is due.
  if (!isLive(token, moment.nowMs)) return beginFetch(state, 'ahead', false, moment);
  const round = state.rounds + 1;
  return {
    state: { ...state, rounds: round, phase: { kind: 'probing', round, fingerprint: token.fingerprint } },
    effects: [{ kind: 'probe', round, token }],
  };
}

function rest(state: State, trigger: Trigger, diagnosis: Diagnosis, moment: Moment): State {
  const { nowMs, random } = moment;
  const delayMs =
    diagnosis.recheckMs === undefined
      ? backoffMs(state.attempts, random)
      : diagnosis.recheckMs * (1 + random() / 10);
  return {
    ...state,
    attempts: state.attempts + 1,
    phase: { kind: 'resting', untilMs: nowMs + delayMs, trigger, diagnosis },
  };
}

function succeeded(state: State, token: Token, moment: Moment): State {
  return {
    ...state,
    token,
    dueMs: dueMs(token, moment),
    attempts: 0,
    // Looks stay spaced even if each new token is refused at once.
    doubt: { ...NO_DOUBT, lookedAtMs: state.doubt.lookedAtMs },
    phase: { kind: 'idle' },
  };
}

/** The platform returned the token that we already have; its `expires_in` applies. */
function sameAgain(state: State, fetched: Token, moment: Moment): State {
  const token = { ...fetched, issuedAtMs: state.token?.issuedAtMs ?? fetched.issuedAtMs };
  return { ...state, token, attempts: 0, phase: { kind: 'idle' }, dueMs: dueAgainMs(token, moment) };
}
