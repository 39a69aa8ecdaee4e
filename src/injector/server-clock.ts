import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';

/** Smaller differences count as none: a response takes time, and its Date has whole seconds. */
const TOLERANCE_MS = 30_000;

/**
 * The wall clock of the API server according to its last response. API servers verify our certificates, and
 * our own clock may be wrong.
 */
export class ServerClock {
  readonly #api: Pick<KubernetesApi, 'aheadMs'>;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The difference that was last logged. */
  #loggedMs = 0;

  constructor(api: Pick<KubernetesApi, 'aheadMs'>, clock: Clock, log: Log) {
    this.#api = api;
    this.#clock = clock;
    this.#log = log;
  }

  /** Logs once if the clocks differ, and again whenever the difference changes. */
  nowMs(): number {
    const measuredMs = this.#api.aheadMs() ?? 0;
    const aheadMs = Math.abs(measuredMs) > TOLERANCE_MS ? measuredMs : 0;
    if (Math.abs(aheadMs - this.#loggedMs) > TOLERANCE_MS) this.#logDifference(aheadMs);
    return this.#clock.unixMs() - aheadMs;
  }

  #logDifference(aheadMs: number): void {
    this.#loggedMs = aheadMs;
    const seconds = Math.round(aheadMs / 1_000);
    if (seconds === 0) {
      this.#log.info("clock agrees with the API server's again");
      return;
    }
    this.#log.warn("clock differs from the API server's; correct it on this node or on the server", {
      [seconds > 0 ? 'aheadSeconds' : 'behindSeconds']: Math.abs(seconds),
    });
  }
}
