import { backoffMs } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import {
  MANUAL_SHARE,
  RATIONED_MS,
  RENEWAL_SPACING_MS,
  SAME_TOKEN_MS_MAX,
  SAME_TOKEN_MS_MIN,
  SAME_TOKEN_SHARE,
  TRUST_EXPIRY_AFTER_MS,
  VOUCH_MS,
  VOUCH_MS_MAX,
  policyFor,
} from './policy.ts';
import type { Policy, Ration } from './policy.ts';
import { mergedLedger, permit, pruned } from './ration.ts';
import type { Effect, Event, Shared, State, Step, Trigger, Trouble } from './state.ts';
import { isLive } from './token.ts';
import type { Token, TokenMode } from './token.ts';

/** The errcode by which the platform says that a token has aged. */
const EXPIRED = 42001;

/** What a decision may look at besides state and event. */
interface Moment {
  readonly nowMs: number;
  readonly policy: Policy;
  readonly random: Random;
}

/**
 * The life of one account's token. Decides and does nothing: the caller carries out the effects and
 * brings their outcomes back as events. At most one round (a fetch or a probe) runs at any time; a
 * token is replaced, never dropped. Answers the very same state where nothing changed.
 */
export function step(state: State, event: Event, nowMs: number, policy: Policy, random: Random): Step {
  const moment: Moment = { nowMs, policy, random };
  switch (event.kind) {
    case 'loaded':
      return onLoaded(state, event.token, event.forcedAtMs, moment);
    case 'wake':
      return onWake(state, moment);
    case 'reported':
      return onReported(state, event.fingerprint, event.errcode, moment);
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
    spentAtMs: { ...state.spentAtMs, stable: forcedAtMs },
    phase: { kind: 'idle' },
  };
  if (!isLive(token, moment.nowMs)) return beginFetch(known, 'startup', false, moment);
  const served: State = { ...known, token, dueMs: dueMs(token, moment) };
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
      return isDue ? beginFetch(state, 'ahead', false, moment) : unchanged(state);
    case 'resting':
      if (phase.next === 'probe' && isDue) return beginFetch(state, 'ahead', false, moment);
      if (moment.nowMs < phase.untilMs) return unchanged(state);
      return phase.next === 'probe'
        ? beginProbe(state, moment)
        : beginFetch(state, phase.trigger, false, moment);
    case 'rationed':
      if (isDue) return beginFetch(state, 'ahead', false, moment);
      if (moment.nowMs < phase.untilMs) return unchanged(state);
      return phase.next === 'spend' ? spend(state, moment) : pursue(state, moment);
  }
}

function onReported(state: State, fingerprint: string, errcode: number, moment: Moment): Step {
  if (state.token?.fingerprint !== fingerprint || isVouched(state, moment)) return unchanged(state);
  const suspicion = state.suspicion ?? { errcode, spentInVain: false };
  const suspecting = suspicion === state.suspicion ? state : { ...state, suspicion };
  switch (state.phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
    case 'resting':
    case 'rationed':
      // What is under way, or is due after the rest, serves this report as well.
      return unchanged(suspecting);
    case 'idle':
      return pursue(suspecting, moment);
  }
}

function onFetched(state: State, round: number, fetched: Token, moment: Moment): Step {
  const { phase } = state;
  if (phase.kind !== 'fetching' || phase.round !== round) return unchanged(state);
  const charged = settleCharge(state, phase.charged, moment);
  const isNew = charged.token?.fingerprint !== fetched.fingerprint;
  const ended = isNew ? succeeded(charged, fetched, moment) : sameAgain(charged, fetched, moment);
  const told: Effect[] = [
    { kind: 'save' },
    { kind: 'concluded', trigger: phase.trigger, result: isNew ? 'renewed' : 'unchanged' },
  ];
  return after(told, afterFetch(ended, phase.charged !== undefined, moment));
}

function afterFetch(state: State, wasSpent: boolean, moment: Moment): Step {
  if (state.fetchAgain) return beginFetch(state, 'manual', false, moment);
  if (state.suspicion === undefined) return unchanged(state);
  if (!wasSpent) return beginProbe(state, moment);
  return rationed({ ...state, suspicion: { ...state.suspicion, spentInVain: true } }, moment);
}

function onFetchFailed(
  state: State,
  { round, trouble, unspent }: { round: number; trouble: Trouble; unspent?: true },
  moment: Moment,
): Step {
  const { phase } = state;
  if (phase.kind !== 'fetching' || phase.round !== round) return unchanged(state);
  const charged = unspent ? refund(state, phase.charged) : settleCharge(state, phase.charged, moment);
  const told: Effect[] = [{ kind: 'concluded', trigger: phase.trigger, result: 'failed' }];
  if (charged.fetchAgain) return after(told, beginFetch(charged, 'manual', false, moment));
  // A forced refresh is not repeated blindly: the next one needs new evidence.
  const trigger = phase.trigger === 'forced' ? 'refused' : phase.trigger;
  return { state: rest(charged, 'fetch', trigger, trouble, moment), effects: told };
}

function onProbed(
  state: State,
  round: number,
  outcome: 'accepted' | 'refused' | Trouble,
  moment: Moment,
): Step {
  const { phase } = state;
  if (phase.kind !== 'probing' || phase.round !== round) return unchanged(state);
  const idle: State = { ...state, phase: { kind: 'idle' } };
  if (state.fetchAgain) return beginFetch(idle, 'manual', false, moment);
  if (state.token?.fingerprint !== phase.fingerprint) return onWake(idle, moment);
  if (outcome === 'refused') return spend({ ...idle, attempts: 0 }, moment);
  if (outcome === 'accepted') {
    const vouch = nextVouch(state, moment);
    return onWake({ ...idle, attempts: 0, suspicion: undefined, vouch }, moment);
  }
  return unchanged(rest(state, 'probe', 'refused', outcome, moment));
}

function onReconfigured(state: State, moment: Moment): Step {
  switch (state.phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return unchanged({ ...state, fetchAgain: true });
    case 'idle':
    case 'resting':
    case 'rationed':
      // Whatever ailed us may be over; and whoever changed a secret learns at once whether it is right.
      return beginFetch({ ...state, attempts: 0 }, 'manual', false, moment);
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
      const { mode, ration } = moment.policy;
      const mayForce =
        mode === 'stable' &&
        permit(state.spentAtMs.stable, forPeople(ration), moment.nowMs).kind === 'allowed';
      return beginFetch(state, 'manual', mayForce, moment);
    }
  }
}

/** A button must not spend what a token that is really refused will need. */
function forPeople(ration: Ration): Ration {
  return { ...ration, max: Math.ceil(ration.max * MANUAL_SHARE) };
}

function onAdopted(state: State, shared: Shared, moment: Moment): Step {
  const { phase } = state;
  if (phase.kind === 'loading') return unchanged(state);
  const told = phase.kind === 'fetching' ? state : withLedger(state, shared.forcedAtMs, moment);
  if (!isSuccessor(shared.token, state, moment)) return unchanged(told);
  const adopted = succeeded(told, shared.token, moment);
  const isBusy = phase.kind === 'fetching' || phase.kind === 'probing';
  return unchanged(isBusy ? { ...adopted, phase } : adopted);
}

function onYielded(state: State, round: number, shared: Shared, moment: Moment): Step {
  const { phase } = state;
  if (phase.kind !== 'fetching' && phase.kind !== 'probing') return unchanged(state);
  if (phase.round !== round) return unchanged(state);
  const charged = phase.kind === 'fetching' ? phase.charged : undefined;
  const told = withLedger(refund(state, charged), shared.forcedAtMs, moment);
  const idle: State = { ...told, phase: { kind: 'idle' } };
  const next = isSuccessor(shared.token, idle, moment) ? succeeded(idle, shared.token, moment) : idle;
  if (next.fetchAgain) return beginFetch(next, 'manual', false, moment);
  if (next.suspicion === undefined) return onWake(next, moment);
  return charged === undefined ? pursue(next, moment) : spend(next, moment);
}

function isSuccessor(token: Token | undefined, state: State, moment: Moment): token is Token {
  return isLive(token, moment.nowMs) && token.fingerprint !== state.token?.fingerprint;
}

/** Looks into the suspicion against the current token, the cheapest evidence first. */
function pursue(state: State, moment: Moment): Step {
  if (!isLive(state.token, moment.nowMs)) return onWake({ ...state, phase: { kind: 'idle' } }, moment);
  if (moment.policy.mode === 'stable') return beginFetch(state, 'refused', false, moment);
  const lastSpentMs = state.spentAtMs.classic.at(-1) ?? -Infinity;
  const isPlausible = moment.nowMs - lastSpentMs >= TRUST_EXPIRY_AFTER_MS;
  if (state.suspicion?.errcode === EXPIRED && isPlausible) return spend(state, moment);
  return beginProbe(state, moment);
}

/** The platform refuses the current token: only a costly refresh helps, as far as the ration goes. */
function spend(state: State, moment: Moment): Step {
  const { mode, ration } = moment.policy;
  if (state.suspicion?.spentInVain === true) return rationed(state, moment);
  const permission = permit(state.spentAtMs[mode], ration, moment.nowMs);
  switch (permission.kind) {
    case 'allowed':
      return beginFetch(state, mode === 'stable' ? 'forced' : 'refused', true, moment);
    case 'tooSoon':
      return unchanged({ ...state, phase: { kind: 'rationed', untilMs: permission.untilMs, next: 'spend' } });
    case 'usedUp':
      return rationed(state, moment);
  }
}

function rationed(state: State, moment: Moment): Step {
  const untilMs = moment.nowMs + RATIONED_MS;
  return unchanged({ ...state, phase: { kind: 'rationed', untilMs, next: 'pursue' } });
}

function beginFetch(state: State, trigger: Trigger, spent: boolean, moment: Moment): Step {
  const { mode, ration } = moment.policy;
  const round = state.rounds + 1;
  const force = spent && mode === 'stable';
  const begun: State = {
    ...state,
    rounds: round,
    phase: { kind: 'fetching', round, trigger, charged: spent ? mode : undefined },
    fetchAgain: false,
  };
  const fetch: Effect = { kind: 'fetch', round, trigger, force };
  if (!spent) return { state: begun, effects: [fetch] };
  const spentAtMs = [...pruned(state.spentAtMs[mode], ration, moment.nowMs), moment.nowMs];
  // Written down before it is spent, so that a crash does not forget it.
  return {
    state: { ...begun, spentAtMs: { ...state.spentAtMs, [mode]: spentAtMs } },
    effects: [{ kind: 'save' }, fetch],
  };
}

function beginProbe(state: State, moment: Moment): Step {
  const { token } = state;
  // A dead token needs no verdict; it is due, and the next look at the state renews it.
  if (!isLive(token, moment.nowMs)) return unchanged({ ...state, phase: { kind: 'idle' } });
  const round = state.rounds + 1;
  return {
    state: { ...state, rounds: round, phase: { kind: 'probing', round, fingerprint: token.fingerprint } },
    effects: [{ kind: 'probe', round, token }],
  };
}

function rest(
  state: State,
  next: 'fetch' | 'probe',
  trigger: Trigger,
  trouble: Trouble,
  moment: Moment,
): State {
  const { nowMs, random } = moment;
  const delayMs =
    trouble.recheckMs === undefined
      ? backoffMs(state.attempts, random)
      : trouble.recheckMs * (1 + random() / 10);
  return {
    ...state,
    attempts: state.attempts + 1,
    phase: { kind: 'resting', untilMs: nowMs + delayMs, next, trigger, trouble },
  };
}

function succeeded(state: State, token: Token, moment: Moment): State {
  return {
    ...state,
    token,
    dueMs: dueMs(token, moment),
    attempts: 0,
    suspicion: undefined,
    vouch: undefined,
    phase: { kind: 'idle' },
  };
}

/** The platform handed back the token that we have: its own count of what is left of it holds. */
function sameAgain(state: State, fetched: Token, moment: Moment): State {
  const token = { ...fetched, issuedAtMs: state.token?.issuedAtMs ?? fetched.issuedAtMs };
  const leftMs = token.expiresAtMs - moment.nowMs;
  const againMs = Math.min(Math.max(leftMs * SAME_TOKEN_SHARE, SAME_TOKEN_MS_MIN), SAME_TOKEN_MS_MAX);
  const againAtMs = moment.nowMs + Math.max(Math.min(againMs, leftMs), RENEWAL_SPACING_MS);
  const plannedMs = dueMs(token, moment);
  return { ...state, token, attempts: 0, phase: { kind: 'idle' }, dueMs: Math.max(plannedMs, againAtMs) };
}

function dueMs(token: Token, moment: Moment): number {
  const { policy, nowMs, random } = moment;
  const lifeMs = token.expiresAtMs - token.issuedAtMs;
  const earlyMs = Math.min(policy.marginMs, lifeMs * policy.lifeShare);
  const plannedMs = token.expiresAtMs - earlyMs + random() * policy.jitterShare * earlyMs;
  return Math.max(plannedMs, nowMs + RENEWAL_SPACING_MS);
}

function isVouched(state: State, moment: Moment): boolean {
  return state.vouch !== undefined && moment.nowMs < state.vouch.untilMs && isLive(state.token, moment.nowMs);
}

/** Longer each time while the doubts keep coming; from the start again after a quiet spell. */
function nextVouch(state: State, moment: Moment): { untilMs: number; lengthMs: number } {
  const last = state.vouch;
  const isQuiet = last === undefined || moment.nowMs - last.untilMs > VOUCH_MS_MAX;
  const lengthMs = isQuiet ? VOUCH_MS : Math.min(last.lengthMs * 2, VOUCH_MS_MAX);
  return { untilMs: moment.nowMs + lengthMs, lengthMs };
}

/** Dates the last charge to the end of its call, so that spacing holds as the platform counts it. */
function settleCharge(state: State, mode: TokenMode | undefined, moment: Moment): State {
  if (mode === undefined) return state;
  const spentAtMs = [...state.spentAtMs[mode].slice(0, -1), moment.nowMs];
  return { ...state, spentAtMs: { ...state.spentAtMs, [mode]: spentAtMs } };
}

/** Takes back the charge of a round that asked nothing. */
function refund(state: State, mode: TokenMode | undefined): State {
  if (mode === undefined) return state;
  return { ...state, spentAtMs: { ...state.spentAtMs, [mode]: state.spentAtMs[mode].slice(0, -1) } };
}

/** The forced refreshes of all holders. Answers the very same state where they tell nothing new. */
function withLedger(state: State, forcedAtMs: readonly number[], moment: Moment): State {
  if (forcedAtMs.length === 0) return state;
  const { ration } = policyFor('stable');
  const stable = pruned(mergedLedger(state.spentAtMs.stable, forcedAtMs, ration), ration, moment.nowMs);
  const isKnown =
    stable.length === state.spentAtMs.stable.length && stable.at(-1) === state.spentAtMs.stable.at(-1);
  return isKnown ? state : { ...state, spentAtMs: { ...state.spentAtMs, stable } };
}

function unchanged(state: State): Step {
  return { state, effects: [] };
}

function after(effects: readonly Effect[], next: Step): Step {
  return { state: next.state, effects: [...effects, ...next.effects] };
}
