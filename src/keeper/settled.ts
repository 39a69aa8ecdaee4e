import type { Clock } from '../base/clock.ts';
import type { Failure } from '../wechat/issuer.ts';

/** Far above the timeouts of the calls themselves; ensures that a round always ends. */
const CALL_MS_MAX = 30_000;

/**
 * Issuers must not throw and must return in time. This turns a bug in one into a failure, so that it ends
 * neither the process nor the renewal of the token.
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
