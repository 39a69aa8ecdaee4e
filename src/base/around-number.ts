/** A text with one number in it, to recognize texts that differ from it in the digits of that number alone. */
export class AroundNumber {
  readonly #start: string;
  readonly #end: string;
  readonly #length: number;

  /** The number is at `at` and has so many digits. */
  constructor(text: string, at: number, digits: number) {
    this.#start = text.slice(0, at);
    this.#end = text.slice(at + digits);
    this.#length = text.length;
  }

  /** The digits in another text of the same length; undefined if it differs in more. */
  digitsIn(text: string): string | undefined {
    if (text.length !== this.#length) return undefined;
    const at = this.#start.length;
    const end = text.length - this.#end.length;
    if (text.slice(0, at) !== this.#start || text.slice(end) !== this.#end) return undefined;
    const digits = text.slice(at, end);
    return DIGITS.test(digits) ? digits : undefined;
  }
}

const DIGITS = /^\d+$/;
