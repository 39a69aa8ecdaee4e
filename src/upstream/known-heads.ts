import { AroundNumber } from '../base/around-number.ts';
import { hasAt } from '../base/has-at.ts';
import { ownBytes } from '../base/own-bytes.ts';
import { ownString } from '../base/own-string.ts';
import { isNamed } from './raw-headers.ts';
import { type ParsedHead, readHead } from './response-head.ts';

/** Far more than servers alternate between during the second in which `Date` stays the same. */
const HEADS_MAX = 64;
/** A larger head is not worth caching. */
const HEAD_CHARS_MAX = 2_048;

/**
 * A cache of parsed response heads. A busy server repeats itself, at least within a second, to the byte or but for the
 * length of the body, so neither the head nor what was derived from it has to be computed again. Heads whose lengths
 * agree modulo the number of slots share one: nothing to look up, order or evict.
 */
export class KnownHeads {
  readonly #heads: (KnownHead | undefined)[] = Array.from({ length: HEADS_MAX }, () => undefined);
  /** The last one that was read: most are like the one before. */
  #last: KnownHead | undefined;

  /** The head at the start of these bytes, if it is like the last one. */
  again(bytes: Buffer): { readonly head: ParsedHead; readonly bytes: number } | undefined {
    const last = this.#last;
    if (last === undefined || bytes.length < last.text.length) return undefined;
    const head = last.isIn(bytes) ? last.head : last.again(bytes.toString('latin1', 0, last.text.length));
    return head === undefined ? undefined : { head, bytes: last.text.length };
  }

  /** As `readHead`. */
  read(text: string): ParsedHead {
    const slot = text.length % HEADS_MAX;
    const known = this.#heads[slot];
    const again = known?.again(text);
    if (again !== undefined) {
      this.#last = known;
      return again;
    }
    if (text.length > HEAD_CHARS_MAX) return readHead(text);
    const own = ownString(text);
    const head = readHead(own);
    this.#last = new KnownHead(own, head);
    this.#heads[slot] = this.#last;
    return head;
  }
}

/** A head that was read before. */
class KnownHead {
  /** With the empty line at its end. */
  readonly text: string;
  readonly head: ParsedHead;
  /** The index of the Content-Length value in the headers; 0 if there is none. */
  readonly #lengthIndex: number;
  readonly #aroundLength: AroundNumber | undefined;
  /** The text, once it has been repeated: a head that differs in each response needs no copy. */
  #bytes: Buffer | undefined;

  constructor(text: string, head: ParsedHead) {
    this.text = text;
    this.head = head;
    this.#lengthIndex =
      head.headers.findIndex((name, at) => at % 2 === 0 && isNamed(name, 'content-length')) + 1;
    const [, start = '', length = ''] = LENGTH_LINE.exec(text) ?? [];
    // Not if the length is given in another way too: then it is not this number alone that counts.
    const isAlone = text.match(EACH_LENGTH)?.length === 1 && head.framing === Number(length);
    if (isAlone && this.#lengthIndex > 0 && head.headers[this.#lengthIndex] === length)
      this.#aroundLength = new AroundNumber(text, start.length, length.length);
  }

  /** Whether these bytes begin with it, which is not known before it has been repeated. */
  isIn(bytes: Buffer): boolean {
    return this.#bytes !== undefined && hasAt(bytes, 0, this.#bytes);
  }

  /** This head, or one that differs in the length of the body alone. */
  again(text: string): ParsedHead | undefined {
    const { head } = this;
    if (text === this.text) {
      this.#bytes ??= ownBytes(text);
      return head;
    }
    const length = this.#aroundLength?.digitsIn(text);
    if (length === undefined) return undefined;
    const headers = head.headers.with(this.#lengthIndex, length);
    return { ...head, headers, framing: Number(length), derived: undefined, like: head };
  }
}

/** Not if the value goes on in the next line. */
const LENGTH_LINE = /^((?:.*\r?\n)*?content-length:[\t ]*)(\d{1,9})[\t ]*\r?\n(?![\t ])/i;
const EACH_LENGTH = /content-length/gi;
