import { type ParsedHead, readHead } from './response-head.ts';

/** Far more than servers alternate between during the second in which `Date` stays the same. */
const HEADS_MAX = 64;
/** A larger head is not worth caching. */
const HEAD_CHARS_MAX = 2_048;

interface KnownHead {
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

  /** As `readHead`. */
  read(text: string): ParsedHead {
    const slot = text.length % HEADS_MAX;
    const known = this.#heads[slot];
    if (known?.text === text) return known.head;
    const head = readHead(text);
    if (text.length <= HEAD_CHARS_MAX) this.#heads[slot] = { text, head };
    return head;
  }
}
