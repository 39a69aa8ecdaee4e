import { durationWords } from '../base/duration-words.ts';
import type { LeaseStatus } from '../token/lease.ts';
import { isDoubted } from '../token/doubt.ts';
import { type Phase, type State, type Trigger, wakeAtMs } from '../token/state.ts';
import { isLive } from '../token/token.ts';
import { RATIONED, SPACED } from './keeper-log.ts';

/** What is being done about an account's token, and when: one sentence for people. */
export function nextWords(state: State, shared: LeaseStatus | undefined, nowMs: number): string {
  const { phase, token, doubt } = state;
  const inTime = `in ${durationWords((wakeAtMs(state) ?? nowMs) - nowMs)}`;
  switch (phase.kind) {
    case 'loading':
      return 'reading the token store';
    case 'fetching':
      if (shared?.refreshing === 'elsewhere') {
        return `waiting for the token that another hub (${shared.by ?? 'unknown'}) asks the platform for`;
      }
      return `asking the platform for a token: ${WHY[phase.trigger]}`;
    case 'probing':
      return 'asking the platform whether it accepts the token that was reported as refused';
    case 'resting':
      return `${retryWords(phase)} ${inTime}: ${phase.diagnosis.message}`;
    case 'rationed':
      return phase.next === 'fetch'
        ? `forced refresh ${inTime}: ${SPACED}`
        : `look into the refused token ${inTime}: ${RATIONED}`;
    case 'idle':
      if (isDoubted(doubt)) return `look into the token that was reported as refused ${inTime}`;
      return isLive(token, nowMs)
        ? `refresh ahead of time ${inTime}`
        : `ask the platform for a token ${inTime}`;
  }
}

const WHY: Readonly<Record<Trigger, string>> = {
  startup: 'the first one',
  ahead: 'a refresh ahead of time',
  refused: 'the platform refused the current one',
  forced: 'a forced refresh, since the platform refuses the current one',
  manual: 'somebody requested a new one, or the AppSecret changed',
};

function retryWords({ diagnosis: { errcode } }: Extract<Phase, { kind: 'resting' }>): string {
  return errcode === -1 ? 'retry' : `retry after ${errcode}`;
}
