import { wakeAtMs } from '../token/state.ts';
import type { State } from '../token/state.ts';
import type { TokenAnswer } from '../token/source.ts';
import { isLive } from '../token/token.ts';

/** What a caller waits for: a live token, or one other than the refused. */
export interface Want {
  readonly refusedFingerprint: string | undefined;
  readonly deadlineMs: number;
}

/** What can be told to the caller now; undefined where waiting until the deadline may be worth it. */
export function answerNow(state: State, want: Want, nowMs: number): TokenAnswer | undefined {
  const { token } = state;
  if (isLive(token, nowMs) && token.fingerprint !== want.refusedFingerprint) return { kind: 'token', token };
  return mayChange(state, want, nowMs) ? undefined : finalAnswer(state, want, nowMs);
}

/** The best that can be told when waiting is over. */
export function finalAnswer(
  state: State,
  { refusedFingerprint }: Pick<Want, 'refusedFingerprint'>,
  nowMs: number,
): TokenAnswer {
  const { token, phase } = state;
  // Who has a refused token and can ask elsewhere is not told to go on with it.
  const isElsewhere = phase.kind === 'resting' && phase.trouble.elsewhere === true;
  const mayBeElsewhere = isElsewhere && token?.fingerprint === refusedFingerprint;
  if (isLive(token, nowMs) && !mayBeElsewhere) return { kind: 'token', token };
  if (phase.kind === 'resting') {
    return { kind: 'unavailable', errcode: phase.trouble.errcode, message: phase.trouble.message };
  }
  return {
    kind: 'unavailable',
    errcode: -1,
    message: 'The platform has not answered the request for an access_token yet; try again in a moment.',
  };
}

function mayChange(state: State, want: Want, nowMs: number): boolean {
  switch (state.phase.kind) {
    case 'loading':
    case 'fetching':
    case 'probing':
      return true;
    case 'idle':
      // A token that has been vouched for stays; one that has ended is about to be renewed.
      return !isLive(state.token, nowMs);
    case 'resting':
    case 'rationed':
      return (wakeAtMs(state) ?? Infinity) < want.deadlineMs;
  }
}
