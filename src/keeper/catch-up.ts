import type { Clock } from '../base/clock.ts';

/** However many reports ask for it. */
const SPACING_MS = 1_000;

/**
 * Reads the shared store when a token is reported that we have never had: another holder may have given it
 * and its publication may be lost, since publication promises nothing. Nobody waits for that: who watches
 * is sent the token once it is known here, and reports it again.
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
