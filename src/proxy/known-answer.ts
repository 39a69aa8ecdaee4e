import { type HeadLines, headLines, withLength } from '../server/plain-response.ts';
import { codingsOf } from '../upstream/content-coding.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import type { CarriesDerived } from '../upstream/request.ts';
import { answerHeaders } from './headers.ts';

/** What is derived from the head of a response alone, for all responses with the same head. */
export class KnownAnswer {
  readonly reason: string;
  readonly codings: readonly string[];
  /** The Content-Length. */
  readonly announcedBytes: number | undefined;
  readonly isHtml: boolean;
  /** The length of its longest text: nothing longer can be quoted. */
  readonly charsMax: number;
  readonly #headers: readonly string[];
  readonly #announced: string | undefined;
  readonly #like: KnownAnswer | undefined;
  #lines: HeadLines | undefined;

  /** `like` is that of a head which differs in the digits of its length alone. */
  constructor(reason: string, headers: readonly string[], like?: KnownAnswer) {
    const [announced] = headerValues(headers, 'content-length');
    this.announcedBytes = announced === undefined ? undefined : Number(announced);
    this.#announced = announced;
    this.#headers = headers;
    this.#like = like;
    this.reason = like?.reason ?? writableReason(reason);
    this.codings = like?.codings ?? codingsOf(headers);
    this.isHtml = like?.isHtml ?? headerValues(headers, 'content-type').some((type) => /html/i.test(type));
    this.charsMax = like?.charsMax ?? Math.max(reason.length, ...headers.map(({ length }) => length));
  }

  /** The relayed headers, serialized. Throws if they cannot be written. */
  get lines(): HeadLines {
    this.#lines ??=
      this.#like === undefined || this.#announced === undefined
        ? headLines(answerHeaders(this.#headers, []))
        : withLength(this.#like.lines, this.#announced);
    return this.#lines;
  }
}

/** Removes the characters that are not allowed in a reason phrase, which carries no meaning. */
export function writableReason(reason: string): string {
  return reason.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

/** `carrier` stores it for the next response with the same head. */
export function knownAnswerOf(
  reason: string,
  headers: readonly string[],
  carrier: CarriesDerived | undefined,
): KnownAnswer {
  if (carrier === undefined) return new KnownAnswer(reason, headers);
  carrier.derived ??= new KnownAnswer(reason, headers, carrier.like?.derived as KnownAnswer | undefined);
  return carrier.derived as KnownAnswer;
}
