import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { randomHex, type Random } from '../base/random.ts';
import type { Rate } from '../base/rate-limit.ts';
import type { Secret } from '../base/secret.ts';
import type { Unavailable } from '../token/source.ts';

/** What a page gives to `wx.config` of the JS-SDK. */
export interface PageSignature {
  readonly appId: string;
  /** Unix time in seconds. */
  readonly timestamp: number;
  readonly nonceStr: string;
  readonly signature: string;
}

/** What comes of a page that is to be signed. */
export type SignatureAnswer =
  | { readonly kind: 'signed'; readonly signature: PageSignature }
  /** The hub does not sign this page. */
  | { readonly kind: 'refused'; readonly message: string }
  | Unavailable;

/** For one account. */
export const SIGNATURE_RATE: Rate = { burst: 30, refillMs: 1_000 / 30 };

const PAGE_URL_BYTES_MAX = 2_048;
const NONCE_DIGITS = 16;

export type PageUrl =
  /** As it is signed: what was given, without its fragment. */
  { readonly kind: 'page'; readonly url: string } | { readonly kind: 'bad'; readonly why: string };

/** An authority without user information, or anything that parsers disagree about. */
const WEB_PAGE = /^https?:\/\/[^\s/?#\\@]+(?:[/?#]|$)/i;

/**
 * Reads the URL of a page that is to be signed. It is signed as it stands, encoded or not, since the platform
 * compares it with what the browser has. `hosts`: the only ones whose pages are signed; undefined: all.
 */
export function readPageUrl(text: string, hosts: ReadonlySet<string> | undefined): PageUrl {
  if (Buffer.byteLength(text) > PAGE_URL_BYTES_MAX) {
    return bad(`the url may have ${PAGE_URL_BYTES_MAX} bytes`);
  }
  if (/\p{Cc}/u.test(text) || !WEB_PAGE.test(text) || !URL.canParse(text)) {
    return bad('the url is not that of a page: http or https, with a host and without user or password');
  }
  if (hosts !== undefined && !hosts.has(new URL(text).hostname.replace(/^\[|\]$|\.$/g, ''))) {
    return bad('pages of this host are not signed (jssdk.allowedUrlHosts)');
  }
  return { kind: 'page', url: text.replace(/#.*$/s, '') };
}

function bad(why: string): PageUrl {
  return { kind: 'bad', why };
}

/** With the time of now and a nonce of its own. */
export function signPage(
  appId: string,
  ticket: Secret,
  url: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): PageSignature {
  const timestamp = Math.floor(clock.wallMs() / 1_000);
  const nonceStr = randomHex(NONCE_DIGITS, random);
  return { appId, timestamp, nonceStr, signature: signatureOf(ticket, nonceStr, timestamp, url) };
}

/** Names in the order of the alphabet, values as they are. Source: appendix 1 of the JS-SDK's documentation. */
export function signatureOf(ticket: Secret, nonceStr: string, timestamp: number, url: string): string {
  const text = `jsapi_ticket=${ticket.reveal()}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`;
  return createHash('sha1').update(text).digest('hex');
}
