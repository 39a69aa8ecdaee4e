const VIEWS_MAX = 64;

/**
 * Views of the beginning of one buffer that is filled again and again. They are kept, because lengths repeat, and a view costs
 * more to make than to find. Lengths that agree modulo the number of slots share one.
 */
export class Beginnings {
  readonly #buffer: Buffer;
  readonly #views: (Buffer | undefined)[] = Array.from({ length: VIEWS_MAX }, () => undefined);

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  upTo(length: number): Buffer {
    const slot = length % VIEWS_MAX;
    const known = this.#views[slot];
    if (known?.length === length) return known;
    const view = this.#buffer.subarray(0, length);
    this.#views[slot] = view;
    return view;
  }
}
