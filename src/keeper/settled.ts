import type { Clock } from '../base/clock.ts';
import { within } from '../base/wait.ts';
import type { Failure } from '../wechat/issuer.ts';

/** Far above the timeouts of the calls themselves; ensures that a round always ends. */
const CALL_MS_MAX = 30_000;

/**
 * Issuers must not throw and must return in time. This turns a bug in one into a failure, so that it ends
 * neither the process nor the renewal of the token.
 */
export function settled<Outcome>(call: () => Promise<Outcome>, clock: Clock): Promise<Outcome | Failure> {
  return within(clock, CALL_MS_MAX, call, () => defect('the call did not end')).catch(() =>
    defect('the call ended in an internal error'),
  );
}

function defect(detail: string): Failure {
  return { kind: 'failure', cause: 'transport', detail };
}
