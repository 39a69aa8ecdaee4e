/** Of a body, outside its texts: each `{ [ , :`. A pod with a thousand variables has some 16,000. */
export const PARTS_MAX = 30_000;
/** The two fields that tell a review are shorter. */
const TEXT_BYTES_MAX = 64;
const WANTED: Readonly<Record<string, string>> = {
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

/**
 * Reads a body as it arrives, keeping next to nothing of it, and tells whether it may be worth parsing:
 * parsed JSON can take fifty times the memory of its text. It looks for the two top-level fields by
 * which a review is known, and counts; whether the body is valid JSON is for the parser to see.
 */
export class ReviewScan {
  #parts = 0;
  #depth = 0;
  #begun = false;
  #ended = false;
  #inText = false;
  #escaped = false;
  /** The bytes of the text that is being read, if it stands at the top level. */
  #text = '';
  #key: string | undefined;
  #isValue = false;
  readonly #found = new Set<string>();

  /** Says so as soon as this cannot be a review, or holds more than any pod does. */
  push(chunk: Uint8Array): 'go_on' | 'not_a_review' | 'too_many_parts' {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inText) at = this.#inside(chunk, at);
      else if (!this.#outside(byte)) return 'not_a_review';
    }
    return this.#parts <= PARTS_MAX ? 'go_on' : 'too_many_parts';
  }

  /** Whether it was one whole object with both fields. */
  isReview(): boolean {
    return this.#ended && this.#found.size === Object.keys(WANTED).length;
  }

  /** Reads on in a text; returns where it got to. */
  #inside(chunk: Uint8Array, from: number): number {
    const keeps = this.#depth === 1;
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inText = false;
        return at;
      }
      if (keeps && this.#text.length < TEXT_BYTES_MAX) this.#text += String.fromCharCode(byte);
    }
    return chunk.length;
  }

  #outside(byte: number): boolean {
    if (byte <= SPACE) return true;
    if (this.#ended || (!this.#begun && byte !== OPEN_OBJECT)) return false;
    this.#begun = true;
    switch (byte) {
      case QUOTE:
        this.#inText = true;
        this.#text = '';
        return true;
      case COLON:
        this.#parts += 1;
        if (this.#depth === 1) [this.#key, this.#isValue, this.#text] = [this.#text, true, ''];
        return true;
      case COMMA:
        this.#parts += 1;
        return this.#valueEnds();
      case OPEN_OBJECT:
      case OPEN_LIST:
        this.#parts += 1;
        this.#depth += 1;
        return true;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        if (!this.#valueEnds()) return false;
        this.#depth -= 1;
        this.#ended = this.#depth === 0;
        return true;
      default:
        return true;
    }
  }

  /** False if one of the two fields has another value than a review has. */
  #valueEnds(): boolean {
    if (this.#depth !== 1 || !this.#isValue) return true;
    const [key, text] = [this.#key ?? '', this.#text];
    this.#isValue = false;
    this.#text = '';
    if (!Object.hasOwn(WANTED, key)) return true;
    this.#found.add(key);
    return WANTED[key] === text;
  }
}
