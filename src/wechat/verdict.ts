import type { Secret } from '../base/secret.ts';

/** The largest answer that is judged: the platform's errors are under 300 bytes. */
export const JUDGED_BYTES_MAX = 4096;

/** The errcodes that say "this access_token is no good", the only ones that a refresh can cure. */
export const REFUSED_ERRCODES: ReadonlySet<number> = new Set([40001, 40014, 42001]);

export interface Verdict {
  /** The top-level errcode; `undefined` where the answer has none. */
  readonly errcode: number | undefined;
  readonly errmsg: string;
}

const NOTHING: Verdict = { errcode: undefined, errmsg: '' };
const INTEGER = /^\s*[+-]?\d{1,15}\s*$/;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Reads the top-level `errcode` (a number or a numeric string, at any place) of a whole answer body. A
 * body that is not one JSON object from its first byte to its last has none, and neither has one over
 * 4 KiB. Bytes are read as Latin-1 and raw control characters as spaces, since the platform sends
 * both where JSON allows neither; that changes no key and no number.
 */
export function judge(body: Buffer): Verdict {
  if (body.length > JUDGED_BYTES_MAX || !mayBeObject(body) || !endsAsObject(body)) return NOTHING;
  const parsed = parseObject(body.toString('latin1'));
  if (parsed === undefined) return NOTHING;
  const { errcode, errmsg } = parsed;
  return {
    errcode: asInteger(errcode),
    errmsg: typeof errmsg === 'string' ? Buffer.from(errmsg, 'latin1').toString('utf8') : '',
  };
}

/** Whether a body that begins with these bytes could still be a JSON object; true while only white space came. */
export function mayBeObject(start: Buffer): boolean {
  for (const byte of start) {
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue;
    return byte === OPENING_BRACE;
  }
  return true;
}

/** Control characters are let pass within the object, not behind it. */
function endsAsObject(body: Buffer): boolean {
  const last = body.findLast((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
  return last === CLOSING_BRACE;
}

/**
 * The same refusal for a caller that would take 40001 as a call to fetch a new token and try again, some
 * of them without end: the errcode negated, and words that say so. `token` is what the call carried.
 */
export function negatedRefusal({ errcode = 0, errmsg }: Verdict, token: Secret): Buffer {
  const text =
    `wechat-sidecar: the platform answered ${errcode} although the token was looked after; ` +
    `fetching another token does not help. It said: ${errmsg.replaceAll(token.reveal(), '[redacted]')}`;
  return Buffer.from(JSON.stringify({ errcode: -errcode, errmsg: text }));
}

/** The request id in the platform's error text, by which its support finds a call; else undefined. */
export function ridOf(errmsg: string): string | undefined {
  return /\b[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}\b/.exec(errmsg)?.[0];
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    // oxlint-disable-next-line no-control-regex -- these are the characters that are meant
    const parsed: unknown = JSON.parse(text.replaceAll(/[\x00-\x1f]/g, ' '));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function asInteger(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === 'string' && INTEGER.test(value) ? Number(value) : undefined;
}
