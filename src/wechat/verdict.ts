import { integerIn, readObject } from './answer-body.ts';
import { usualVerdict } from './usual-verdict.ts';

/** Larger responses are not judged: the platform's errors are under 300 bytes. */
export const JUDGED_BYTES_MAX = 4096;

const SPARED_BYTES_MIN = 512;
const BACKSLASH = 0x5c;

/** The errcodes for an invalid access_token, the only ones that a refresh can fix. */
export const REFUSED_ERRCODES: ReadonlySet<number> = new Set([40001, 40014, 42001]);

export interface Verdict {
  /** The top-level errcode; `undefined` if the response has none. */
  readonly errcode: number | undefined;
  readonly errmsg: string;
}

/** The verdict on a response without an errcode. */
export const NO_VERDICT: Verdict = { errcode: undefined, errmsg: '' };

/**
 * Reads the top-level `errcode` (a number or a numeric string, at any position) of a complete response body.
 * A body that is not exactly one JSON object has none, and neither does one over 4 KiB.
 */
export function judge(body: Buffer): Verdict {
  if (body.length > JUDGED_BYTES_MAX || !mayNameErrcode(body)) return NO_VERDICT;
  const usual = usualVerdict(body);
  if (usual !== undefined) return usual;
  const parsed = readObject(body);
  if (parsed === undefined) return NO_VERDICT;
  const { errcode, errmsg } = parsed;
  return { errcode: integerIn(errcode), errmsg: typeof errmsg === 'string' ? errmsg : '' };
}

/**
 * Avoids parsing most large bodies. In JSON, letters can be written in two ways; in UTF-16, each has a NUL
 * next to it.
 */
function mayNameErrcode(body: Buffer): boolean {
  if (body.length < SPARED_BYTES_MIN) return true;
  // A single byte is found faster than a text, and most bodies have no backslash.
  const hasEscape = body.includes(BACKSLASH) && body.includes('\\u', 0, 'latin1');
  return hasEscape || body.includes(0) || body.includes('errcode', 0, 'latin1');
}

/**
 * The same refusal for SDKs that respond to 40001 by fetching a new token and retrying, some of them
 * endlessly: the errcode is negated, and the errmsg says so.
 */
export function negatedRefusal({ errcode = 0, errmsg }: Verdict): Buffer {
  const text =
    `wechat-sidecar: the platform returned ${errcode} although the token is managed here; ` +
    `fetching another token does not help. The platform's message: ${errmsg}`;
  return Buffer.from(JSON.stringify({ errcode: -errcode, errmsg: text }));
}

/** The request id in the platform's errmsg, by which its support finds a call; undefined if there is none. */
export function ridOf(errmsg: string): string | undefined {
  return /\b[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}\b/.exec(errmsg)?.[0];
}
