import type { Clock } from '../base/clock.ts';
import type { Failure } from '../wechat/issuer.ts';

/** Far beyond the time limits of the calls themselves: a round always ends. */
const CALL_MS_MAX = 30_000;

/**
 * An issuer answers with values, and in time. A defect in it shall end neither the process nor the life
 * of the token.
 */
export function settled<Outcome>(call: () => Promise<Outcome>, clock: Clock): Promise<Outcome | Failure> {
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
