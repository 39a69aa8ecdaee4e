import { hostnameOf, isLoopbackName } from '../wechat/hosts.ts';
import type { CallRequest } from './caller.ts';
import { headerValues } from '../upstream/raw-headers.ts';

/** The parts of a request that show whether a web page sent it. */
export interface PageSigns extends Pick<CallRequest, 'headers' | 'rawHeaders'> {
  /** The scheme and authority that the request is addressed to; empty if it names no host. */
  readonly addressed: string;
  /**
   * It is addressed to an additional host of the settings. Browsers send no `Sec-Fetch-Site` to such an origin, and a
   * GET of an image has no `Origin` either.
   */
  readonly toFurtherHost: boolean;
}

export type Sender =
  | { readonly kind: 'program' }
  /** A page of an allowed origin; `origin` is set if its browser asks whether the page may read the response. */
  | { readonly kind: 'allowed'; readonly origin: string | undefined }
  /** A page that may not call. */
  | { readonly kind: 'foreign' };

/** The mini-program runtime uses this host for its own pages. */
const MINI_PROGRAMS = 'servicewechat.com';

/**
 * Distinguishes web pages from programs by headers that browsers add and pages can neither omit nor forge: `Origin` and
 * `Sec-Fetch-Site` or, if an older browser sends neither, `Referer`. A page may call the origin it came from.
 */
export function senderOf(signs: PageSigns, allowedOrigins: ReadonlySet<string>): Sender {
  const { headers, addressed } = signs;
  const [given, ...more] = headerValues(signs.rawHeaders, 'origin');
  if (more.length > 0) return { kind: 'foreign' };
  const origin = given === undefined ? undefined : readOrigin(given);
  const page = given === undefined ? originOf(headers.referer) : origin;
  if (page !== undefined && allowedOrigins.has(page)) return { kind: 'allowed', origin };

  if (signs.toFurtherHost && looksLikeBrowser(signs)) return { kind: 'foreign' };
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !isHere(site)) return { kind: 'foreign' };
  if (given !== undefined && (origin === undefined || origin !== readOrigin(addressed))) {
    return { kind: 'foreign' };
  }
  const hasNeither = site === undefined && given === undefined;
  if (hasNeither && !isHarmlessReferer(headers.referer)) return { kind: 'foreign' };
  return { kind: 'program' };
}

/** Judged by headers that programs do not send unless they mean to look like a browser. */
function looksLikeBrowser({ headers }: PageSigns): boolean {
  const { cookie, referer } = headers;
  const agent = headers['user-agent'] ?? '';
  return cookie !== undefined || /^mozilla\//i.test(agent) || !isHarmlessReferer(referer);
}

/** Undefined for `null` and for anything that is not an http(s) origin. */
function readOrigin(text: string): string | undefined {
  return /^https?:\/\/[^/?#@\\\s]+$/i.test(text) ? originOf(text) : undefined;
}

function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}

function isHere(site: string | string[]): boolean {
  return ['none', 'same-origin'].includes(String(site).toLowerCase());
}

function isHarmlessReferer(referer: string | undefined): boolean {
  if (referer === undefined || referer === '') return true;
  const name = URL.canParse(referer) ? hostnameOf(new URL(referer).host) : undefined;
  return name !== undefined && (isLoopbackName(name) || name === MINI_PROGRAMS);
}
