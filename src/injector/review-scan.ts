import { parseJson } from '../base/json.ts';

/** Counts each `{ [ , :` outside strings. A pod with a thousand variables has about 16,000. */
export const PARTS_MAX = 30_000;
/** The names and values of the two fields that identify a review are shorter, even if every character is escaped. */
const TEXT_BYTES_MAX = 128;
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
 * Scans a body as it arrives, storing almost nothing, and decides whether it may be worth parsing: parsed
 * JSON can take fifty times the memory of its text. It looks for the two top-level fields that identify a
 * review, and counts; it does not check that the JSON is valid.
 */
export class ReviewScan {
  #parts = 0;
  #depth = 0;
  #begun = false;
  #ended = false;
  #inText = false;
  #escaped = false;
  /** The bytes of the string being read, if it is at the top level. */
  #text = '';
  #key: string | undefined;
  #isValue = false;
  readonly #found = new Set<string>();

  /** Returns the verdict as soon as this cannot be a review, or contains more than any pod does. */
  push(chunk: Uint8Array): 'go_on' | 'not_a_review' | 'too_many_parts' {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inText) at = this.#inside(chunk, at);
      else if (!this.#outside(byte)) return 'not_a_review';
    }
    return this.#parts <= PARTS_MAX ? 'go_on' : 'too_many_parts';
  }

  /** Whether it was one complete object with both fields. */
  isReview(): boolean {
    return this.#ended && this.#found.size === Object.keys(WANTED).length;
  }

  /** Continues inside a string; returns the new position. */
  #inside(chunk: Uint8Array, from: number): number {
    const keeps = this.#depth === 1;
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inText = false;
        if (keeps) this.#text = unescaped(this.#text);
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

  /** False if one of the two fields has a value that a review does not have. */
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

/** What a JSON string stands for: `admission.k8s.io\/v1` is `admission.k8s.io/v1`. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  const value = parseJson(`"${text}"`);
  return typeof value === 'string' ? value : text;
}
