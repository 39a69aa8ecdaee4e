import { holdOf } from '../token/doubt.ts';
import type { ReportAnswer, TokenAnswer, Unavailable } from '../token/source.ts';
import { type State, wakeAtMs } from '../token/state.ts';
import { isLive } from '../token/token.ts';

/** What a caller waits for: a live token, or one other than `unwanted`. */
export interface Want {
  readonly unwanted: string | undefined;
  /** A token that is due for renewal is accepted only if its successor does not arrive in time. */
  readonly isLasting: boolean;
  readonly deadlineMs: number;
}

/** What the reporter of a refused token waits for. */
export interface ReportWant {
  readonly fingerprint: string;
  readonly key: string;
  /** The number of the look that settles the report. */
  readonly look: number;
  /** The look was started by an earlier report. */
  readonly wasCovered: boolean;
  readonly deadlineMs: number;
}

/** How soon to report again if no look has ended in time. */
const RETRY_MS = 1_000;

/** Returns the answer if it is known now; undefined if waiting until the deadline may help. */
export function answerNow(state: State, want: Want, nowMs: number): TokenAnswer | undefined {
  const { token } = state;
  const isDue = want.isLasting && nowMs >= state.dueMs;
  const isWanted = isLive(token, nowMs) && token.fingerprint !== want.unwanted && !isDue;
  if (isWanted) return { kind: 'token', token };
  return mayChange(state, want.deadlineMs, nowMs) ? undefined : finalAnswer(state, nowMs);
}

/** The best answer after the wait. */
export function finalAnswer(state: State, nowMs: number): TokenAnswer {
  const { token } = state;
  return isLive(token, nowMs) ? { kind: 'token', token } : unavailable(state);
}

export function reportAnswerNow(state: State, want: ReportWant, nowMs: number): ReportAnswer | undefined {
  const { token, phase, doubt } = state;
  if (!isLive(token, nowMs)) return mayChange(state, want.deadlineMs, nowMs) ? undefined : unavailable(state);
  if (token.fingerprint !== want.fingerprint) return { kind: 'renewed', token };
  if (phase.kind === 'rationed') {
    const kind = phase.next === 'fetch' ? 'waiting' : 'rationed';
    return { kind, token, retryMs: Math.max(phase.untilMs - nowMs, 0) };
  }
  const hold = holdOf(doubt, want.key, nowMs);
  if (hold !== undefined || doubt.settled >= want.look) {
    const holdMs = hold === undefined ? 0 : hold.untilMs - nowMs;
    return { kind: want.wasCovered ? 'held' : 'accepted', token, holdMs };
  }
  if (phase.kind !== 'resting') return undefined;
  // Wait if the look is retried soon; otherwise fail now, so that the caller can ask another hub.
  const isRepeated = doubt.tries > 0 && phase.untilMs < want.deadlineMs;
  return isRepeated ? undefined : unavailable(state);
}

export function finalReportAnswer(state: State, want: ReportWant, nowMs: number): ReportAnswer {
  const known = reportAnswerNow(state, { ...want, deadlineMs: nowMs }, nowMs);
  if (known !== undefined) return known;
  return isLive(state.token, nowMs)
    ? { kind: 'waiting', token: state.token, retryMs: RETRY_MS }
    : unavailable(state);
}

function unavailable({ phase }: State): Unavailable {
  if (phase.kind === 'resting') {
    return { kind: 'unavailable', errcode: phase.diagnosis.errcode, message: phase.diagnosis.message };
  }
  return {
    kind: 'unavailable',
    errcode: -1,
    message: 'The platform has not responded to the access_token request yet; try again in a moment.',
  };
}

function mayChange(state: State, deadlineMs: number, nowMs: number): boolean {
  switch (state.phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return true;
    case 'idle':
      // An expired token is about to be renewed.
      return !isLive(state.token, nowMs);
    case 'resting':
    case 'rationed':
      return (wakeAtMs(state) ?? Infinity) < deadlineMs;
  }
}
