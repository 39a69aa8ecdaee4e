import { integerIn, readObject } from './answer-body.ts';

/** The largest answer that is judged: the platform's errors are under 300 bytes. */
export const JUDGED_BYTES_MAX = 4096;

const SPARED_BYTES_MIN = 512;

/** The errcodes that say "this access_token is no good", the only ones that a refresh can cure. */
export const REFUSED_ERRCODES: ReadonlySet<number> = new Set([40001, 40014, 42001]);

export interface Verdict {
  /** The top-level errcode; `undefined` where the answer has none. */
  readonly errcode: number | undefined;
  readonly errmsg: string;
}

/** The verdict on what is no answer of the platform's. */
export const NO_VERDICT: Verdict = { errcode: undefined, errmsg: '' };

/**
 * Reads the top-level `errcode` (a number or a numeric string, at any place) of a whole answer body. A
 * body that is not one JSON object from its first byte to its last has none, and neither has one over
 * 4 KiB.
 */
export function judge(body: Buffer): Verdict {
  if (body.length > JUDGED_BYTES_MAX || !mayNameErrcode(body)) return NO_VERDICT;
  const [, usualErrcode, usualErrmsg] = USUAL.exec(body.toString('latin1')) ?? [];
  if (usualErrcode !== undefined && usualErrmsg !== undefined) {
    return { errcode: Number(usualErrcode), errmsg: usualErrmsg };
  }
  const parsed = readObject(body);
  if (parsed === undefined) return NO_VERDICT;
  const { errcode, errmsg } = parsed;
  return { errcode: integerIn(errcode), errmsg: typeof errmsg === 'string' ? errmsg : '' };
}

/**
 * The form that most errors and confirmations have: plain texts and whole numbers in one flat object, with these
 * two first and never again. For such a body it finds what reading it as JSON would, and makes no object of it.
 */
const USUAL =
  /^\{"errcode":(-?(?:0|[1-9]\d{0,14})),"errmsg":"([ !#-[\]-~]*)"(?:,"(?!errcode"|errmsg")[a-z_]+":(?:"[ !#-[\]-~]*"|-?(?:0|[1-9]\d*)))*\}$/;

/**
 * Spares a large body the reading. JSON has two ways to write the letters of a name; in UTF-16, each has a NUL
 * beside it.
 */
function mayNameErrcode(body: Buffer): boolean {
  if (body.length < SPARED_BYTES_MIN) return true;
  return body.includes('errcode', 0, 'latin1') || body.includes('\\u', 0, 'latin1') || body.includes(0);
}

/**
 * The same refusal for a caller that would take 40001 as a call to fetch a new token and try again, some
 * of them without end: the errcode negated, and words that say so.
 */
export function negatedRefusal({ errcode = 0, errmsg }: Verdict): Buffer {
  const text =
    `wechat-sidecar: the platform answered ${errcode} although the token was looked after; ` +
    `fetching another token does not help. It said: ${errmsg}`;
  return Buffer.from(JSON.stringify({ errcode: -errcode, errmsg: text }));
}

/** The request id in the platform's error text, by which its support finds a call; else undefined. */
export function ridOf(errmsg: string): string | undefined {
  return /\b[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}\b/.exec(errmsg)?.[0];
}
