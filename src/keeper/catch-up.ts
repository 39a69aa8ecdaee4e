import type { Clock } from '../base/clock.ts';

/** However many reports ask for it. */
const SPACING_MS = 1_000;

/**
 * Reads the shared store when a token is reported that we have never had: another hub may have published it, and a
 * publication can be lost. Nobody waits for that: once the token is known here, watchers get it, and report it again.
 */
export class CatchUp {
  readonly #reread: () => Promise<void> | undefined;
  readonly #clock: Clock;
  #begunAtMs = -Infinity;

  constructor(reread: () => Promise<void> | undefined, clock: Clock) {
    this.#reread = reread;
    this.#clock = clock;
  }

  run(): void {
    if (this.#clock.monotonicMs() - this.#begunAtMs < SPACING_MS) return;
    this.#begunAtMs = this.#clock.monotonicMs();
    void this.#reread();
  }
}
