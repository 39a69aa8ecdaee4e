import { type ParsedHead, readHead } from './response-head.ts';

/** Far more than servers alternate between during the second in which `Date` stays the same. */
const HEADS_MAX = 64;
/** A larger head is not worth caching. */
const HEAD_CHARS_MAX = 2_048;

interface KnownHead {
  /** With the empty line at its end. */
  readonly text: string;
  readonly head: ParsedHead;
}

/**
 * A cache of parsed response heads. A busy server repeats itself to the byte, at least within a second, so neither the
 * head nor what was derived from it has to be computed again. Heads of the same length share one slot: nothing to look
 * up, order or evict.
 */
export class KnownHeads {
  readonly #heads: (KnownHead | undefined)[] = Array.from({ length: HEADS_MAX }, () => undefined);
  /** The last one that was read: most are the same as the one before. */
  #last: KnownHead | undefined;

  /** The last head, if these bytes begin with it once more. */
  again(bytes: Buffer): KnownHead | undefined {
    const last = this.#last;
    if (last === undefined || bytes.length < last.text.length) return undefined;
    return bytes.toString('latin1', 0, last.text.length) === last.text ? last : undefined;
  }

  /** As `readHead`. */
  read(text: string): ParsedHead {
    const slot = text.length % HEADS_MAX;
    const known = this.#heads[slot];
    if (known?.text === text) {
      this.#last = known;
      return known.head;
    }
    const head = readHead(text);
    if (text.length > HEAD_CHARS_MAX) return head;
    // A separate string: a slice would retain what arrived with the head, and is slow to compare.
    this.#last = { text: Buffer.from(text, 'latin1').toString('latin1'), head };
    this.#heads[slot] = this.#last;
    return head;
  }
}
