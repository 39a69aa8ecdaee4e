import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { randomHex, type Random } from '../base/random.ts';
import type { Rate } from '../base/rate-limit.ts';
import type { Secret } from '../base/secret.ts';
import type { Unavailable } from '../token/source.ts';

/** What a page passes to `wx.config` of the JS-SDK. */
export interface PageSignature {
  readonly appId: string;
  /** Unix time in seconds. */
  readonly timestamp: number;
  readonly nonceStr: string;
  readonly signature: string;
}

/** The result of signing a page. */
export type SignatureAnswer =
  | { readonly kind: 'signed'; readonly signature: PageSignature }
  /** The hub refuses to sign this page. */
  | { readonly kind: 'refused'; readonly message: string }
  | Unavailable;

/** Per account; on a hub, per caller and account. */
export const SIGNATURE_RATE: Rate = { burst: 30, refillMs: 1_000 / 30 };

const PAGE_URL_BYTES_MAX = 2_048;
const NONCE_DIGITS = 16;

export type PageUrl =
  /** The URL that is signed: the given one without its fragment. */
  { readonly kind: 'page'; readonly url: string } | { readonly kind: 'bad'; readonly why: string };

/** The authority has no user information and nothing that parsers disagree about. */
const WEB_PAGE = /^https?:\/\/[^\s/?#\\@]+(?:[/?#]|$)/i;

/**
 * Checks the URL of a page to be signed. It is signed exactly as given, encoded or not, because the platform
 * compares it with the browser's URL. `hosts`: only pages of these hosts are signed; undefined: all.
 */
export function readPageUrl(text: string, hosts: ReadonlySet<string> | undefined): PageUrl {
  if (Buffer.byteLength(text) > PAGE_URL_BYTES_MAX) {
    return bad(`the url is longer than ${PAGE_URL_BYTES_MAX} bytes`);
  }
  if (/\p{Cc}/u.test(text) || !WEB_PAGE.test(text) || !URL.canParse(text)) {
    return bad('the url is not a page URL: http or https, with a host and without user or password');
  }
  if (hosts !== undefined && !hosts.has(new URL(text).hostname.replace(/^\[|\]$|\.$/g, ''))) {
    return bad('pages of this host are not signed (jssdk.allowedUrlHosts)');
  }
  return { kind: 'page', url: text.replace(/#.*$/s, '') };
}

function bad(why: string): PageUrl {
  return { kind: 'bad', why };
}

/** Signs with the current time and a fresh nonce. */
export function signPage(
  appId: string,
  ticket: Secret,
  url: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): PageSignature {
  const timestamp = Math.floor(clock.unixMs() / 1_000);
  const nonceStr = randomHex(NONCE_DIGITS, random);
  return { appId, timestamp, nonceStr, signature: signatureOf(ticket, nonceStr, timestamp, url) };
}

/** Names in alphabetical order, values not encoded. Source: appendix 1 of the JS-SDK's documentation. */
export function signatureOf(ticket: Secret, nonceStr: string, timestamp: number, url: string): string {
  const text = `jsapi_ticket=${ticket.reveal()}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`;
  return createHash('sha1').update(text).digest('hex');
}
