import { hostnameOf, isLoopbackName } from '../wechat/hosts.ts';
import type { CallRequest } from './caller.ts';
import { headerValues } from '../upstream/raw-headers.ts';

/** What of a request says whether a web page sent it. */
export interface PageSigns extends Pick<CallRequest, 'headers' | 'rawHeaders'> {
  /** Where the request is addressed to, as scheme and authority; empty if it names no host. */
  readonly addressed: string;
  /**
   * It is addressed to one of the further hosts of the settings. Browsers send no `Sec-Fetch-Site` to such an
   * origin, and a GET of an image has no `Origin` either.
   */
  readonly toFurtherHost: boolean;
}

export type Sender =
  | { readonly kind: 'program' }
  /** A page of an allowed origin; `origin` if its browser asks whether the page may read the answer. */
  | { readonly kind: 'allowed'; readonly origin: string | undefined }
  /** A page that has no business here. */
  | { readonly kind: 'foreign' };

/** The runtime of mini-programs gives its own pages this host. */
const MINI_PROGRAMS = 'servicewechat.com';

/**
 * Distinguishes web pages from programs by what browsers add, and no page can leave out or forge: `Origin` and
 * `Sec-Fetch-Site`, or where an older one sends neither, `Referer`. A page may go where it came from.
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

/** By what programs do not send, or only those that mean to look like a browser. */
function looksLikeBrowser({ headers }: PageSigns): boolean {
  const { cookie, referer } = headers;
  const agent = headers['user-agent'] ?? '';
  return cookie !== undefined || /^mozilla\//i.test(agent) || !isHarmlessReferer(referer);
}

/** Undefined for `null`, and for all that is no http(s) origin. */
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
