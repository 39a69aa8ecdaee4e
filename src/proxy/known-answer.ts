import { type HeadLines, headLines } from '../server/plain-response.ts';
import { codingsOf } from '../upstream/content-coding.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import { answerHeaders } from './headers.ts';

/** What is made of the head of an answer, whatever was put into its request: once for all answers with the same head. */
export class KnownAnswer {
  readonly reason: string;
  readonly codings: readonly string[];
  /** What its Content-Length says. */
  readonly announced: string | undefined;
  readonly isHtml: boolean;
  /** Of the longest of its texts: nothing longer can be quoted. */
  readonly charsMax: number;
  readonly #headers: readonly string[];
  #lines: HeadLines | undefined;

  constructor(reason: string, headers: readonly string[]) {
    this.reason = writableReason(reason);
    this.codings = codingsOf(headers);
    this.announced = headerValues(headers, 'content-length')[0];
    this.isHtml = headerValues(headers, 'content-type').some((type) => /html/i.test(type));
    this.charsMax = Math.max(reason.length, ...headers.map(({ length }) => length));
    this.#headers = headers;
  }

  /** The headers that are passed on, as they are written. Throws if they cannot be. */
  get lines(): HeadLines {
    this.#lines ??= headLines(answerHeaders(this.#headers, []));
    return this.#lines;
  }
}

/** Without the characters that a reason phrase cannot be written with; it means nothing to anybody. */
export function writableReason(reason: string): string {
  return reason.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

/** `carrier` keeps it for the next answer with the same head. */
export function knownAnswerOf(
  reason: string,
  headers: readonly string[],
  carrier: { derived: unknown } | undefined,
): KnownAnswer {
  if (carrier === undefined) return new KnownAnswer(reason, headers);
  carrier.derived ??= new KnownAnswer(reason, headers);
  return carrier.derived as KnownAnswer;
}
