import { type ParsedHead, readHead } from './response-head.ts';

/** Far more than servers alternate between within the second for which a `Date` stays the same. */
const HEADS_MAX = 64;
/** A larger head is not worth its place. */
const HEAD_CHARS_MAX = 2_048;

interface KnownHead {
  readonly text: string;
  readonly head: ParsedHead;
}

/**
 * Heads of responses as they were read before. A server that is asked often repeats itself to the byte, within a
 * second at least, and then neither the head nor what was made of it needs to be made again. Heads of one length
 * share one place: there is nothing to be looked up, ordered or thrown out.
 */
export class KnownHeads {
  readonly #heads: (KnownHead | undefined)[] = Array.from({ length: HEADS_MAX }, () => undefined);

  /** As `readHead`. */
  read(text: string): ParsedHead {
    const place = text.length % HEADS_MAX;
    const known = this.#heads[place];
    if (known?.text === text) return known.head;
    const head = readHead(text);
    if (text.length <= HEAD_CHARS_MAX) this.#heads[place] = { text, head };
    return head;
  }
}
