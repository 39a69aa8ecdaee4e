import { redactedBytes, redactedText } from '../base/redaction.ts';
import type { Secret } from '../base/secret.ts';
import { READABLE_CODINGS } from '../upstream/content-coding.ts';

/** Headers for one connection only. Source: RFC 9110, section 7.6.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Written for each request, or meant for us. */
const OWN_TO_REQUEST = new Set(['host', 'content-length', 'expect', 'accept-encoding', 'x-wechat-appid']);

/** Of the bytes of a body. */
const DIGESTS = ['content-md5', 'digest', 'content-digest', 'repr-digest'];

/** Only we may say these things of an answer. */
const OURS_ALONE = new Set(['x-wechat-sidecar', 'x-wechat-sidecar-error']);

/** What a web page may read of an answer is said once, by us: it called us, and not the platform. */
const OURS_ALONE_FOR_PAGES = new Set([
  ...OURS_ALONE,
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
]);

/**
 * The headers that a request leaves with: all that the caller sent, in its order and spelling, less
 * those of its connection and ours. Takes and gives flat lists of names and values.
 */
export function requestHeaders(raw: readonly string[]): string[] {
  const headers = without(raw, OWN_TO_REQUEST);
  headers.push('accept-encoding', readableCodings(valuesOf(raw, 'accept-encoding')));
  return headers;
}

/** The headers of an answer for our caller, followed by `own`, ours; nobody else may say what these say. */
export function answerHeaders(raw: readonly string[], own: readonly string[]): string[] {
  const isForPage = own.includes('access-control-allow-origin');
  return [...without(raw, isForPage ? OURS_ALONE_FOR_PAGES : OURS_ALONE), ...own];
}

/** For an answer whose body we rewrote: its length and coding are no longer true. */
export function rewrittenHeaders(raw: readonly string[], bodyBytes: number): string[] {
  const headers = without(raw, new Set(['content-length', 'content-encoding', 'etag', ...DIGESTS]));
  headers.push('content-length', String(bodyBytes));
  return headers;
}

/** What we have put into a request, and its answer must not bring to the caller. */
export interface Injected {
  readonly secret: Secret;
  /** What a header shows in its place, so that a redirect which is followed comes back for the same account. */
  readonly inHeaders: () => string;
}

/** The headers of an answer without what we have put into its request. */
export function redactedHeaders(raw: readonly string[], injected: readonly Injected[]): readonly string[] {
  if (injected.length === 0) return raw;
  const clean: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at] as string, raw[at + 1] as string];
    // A header that has a secret for its name is none without it.
    if (redactedHeader(name, injected) === name) clean.push(name, redactedHeader(value, injected));
  }
  return clean;
}

export function redactedHeader(value: string, injected: readonly Injected[]): string {
  return injected.reduce((rest, { secret, inHeaders }) => redactedText(rest, secret, inHeaders), value);
}

export function redactedBody(body: Buffer, injected: readonly Injected[]): Buffer {
  return injected.reduce((rest, { secret }) => redactedBytes(rest, secret), body);
}

function without(raw: readonly string[], own: ReadonlySet<string>): string[] {
  const named = new Set(valuesOf(raw, 'connection').flatMap(tokensOf));
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    if (HOP_BY_HOP.has(name) || own.has(name)) continue;
    // A Connection header must not take away what frames the message.
    if (named.has(name) && name !== 'content-length') continue;
    kept.push(raw[at] as string, raw[at + 1] as string);
  }
  return kept;
}

/** What we can judge out of what the caller would accept; `identity` where that is nothing. */
function readableCodings(given: readonly string[]): string {
  const readable = given
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim())
    .filter((coding) => READABLE_CODINGS.has((coding.split(';', 1)[0] as string).trim().toLowerCase()));
  return readable.length === 0 ? 'identity' : readable.join(', ');
}

export function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, index) => index % 2 === 1 && (raw[index - 1] as string).toLowerCase() === name);
}

function tokensOf(value: string): string[] {
  return value.split(',').map((token) => token.trim().toLowerCase());
}
