import type { Clock } from '../base/clock.ts';
import { RateLimit, type Rate } from '../base/rate-limit.ts';

/**
 * A page that is costly to render and open to anyone: rendered at most at its rate. Above that, and while it is being
 * rendered, all requests get the same bytes.
 */
export class KeptPage {
  readonly #write: () => string | Promise<string>;
  readonly #limit: RateLimit;
  #last: Promise<Buffer> | undefined;
  #isBeingWritten = false;

  constructor(write: () => string | Promise<string>, rate: Rate, clock: Clock) {
    this.#write = write;
    this.#limit = new RateLimit(rate, clock);
  }

  bytes(): Promise<Buffer> {
    if (this.#last !== undefined && (this.#isBeingWritten || this.#limit.consume('') > 0)) return this.#last;
    const page = this.#written();
    this.#last = page;
    page.catch(() => {
      if (this.#last === page) this.#last = undefined;
    });
    return page;
  }

  async #written(): Promise<Buffer> {
    this.#isBeingWritten = true;
    try {
      return Buffer.from(await this.#write());
    } finally {
      this.#isBeingWritten = false;
    }
  }
}
