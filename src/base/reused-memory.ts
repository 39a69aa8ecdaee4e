import { Beginnings } from './beginnings.ts';

/** Memory that is filled again and again: for bytes that usually have been read before the next ones come. */
export class ReusedMemory {
  readonly #bytesMax: number;
  #beginnings: Beginnings | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Valid until the next call, unless `leave` comes before it. Undefined if the length is over the maximum. */
  take(length: number): Buffer | undefined {
    if (length > this.#bytesMax) return undefined;
    this.#beginnings ??= new Beginnings(Buffer.allocUnsafeSlow(this.#bytesMax));
    return this.#beginnings.upTo(length);
  }

  /** What was taken last is still needed, and stays as it is. */
  leave(): void {
    this.#beginnings = undefined;
  }
}
