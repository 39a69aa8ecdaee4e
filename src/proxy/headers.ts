import { redactedBytes, redactedText } from '../base/redaction.ts';
import type { Secret } from '../base/secret.ts';
import { READABLE_CODINGS } from '../upstream/content-coding.ts';

/** Names in lower case. The length alone rules out most others. */
class Names {
  readonly #names: ReadonlySet<string>;
  readonly #lengths: readonly boolean[];

  constructor(...names: string[]) {
    this.#names = new Set(names);
    const lengths: boolean[] = Array.from({ length: 64 }, () => false);
    for (const { length } of names) lengths[length] = true;
    this.#lengths = lengths;
  }

  has(name: string): boolean {
    return this.#lengths[name.length] === true && this.#names.has(name.toLowerCase());
  }
}

/** Headers for one connection only. Source: RFC 9110, section 7.6.1. */
const HOP_BY_HOP = new Names(
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
);

/** Written for each request, or meant for us. */
const OWN_TO_REQUEST = new Names('host', 'content-length', 'expect', 'accept-encoding', 'x-wechat-appid');

/** Of the bytes of a body, and what is about them. */
const OF_BODY = new Names(
  'content-length',
  'content-encoding',
  'etag',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
);

/** Only we may say these things of an answer. */
const OURS_ALONE = new Names('x-wechat-sidecar', 'x-wechat-sidecar-error');

/** What a web page may read of an answer is said once, by us: it called us, and not the platform. */
const OURS_ALONE_FOR_PAGES = new Names(
  'x-wechat-sidecar',
  'x-wechat-sidecar-error',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
);

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
  const headers = without(raw, isForPage ? OURS_ALONE_FOR_PAGES : OURS_ALONE);
  for (const each of own) headers.push(each);
  return headers;
}

/** For an answer whose body we rewrote: its length and coding are no longer true. */
export function rewrittenHeaders(raw: readonly string[], bodyBytes: number): string[] {
  const headers = without(raw, OF_BODY);
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
  if (!mayQuote(raw, injected)) return raw;
  const clean: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at] as string, raw[at + 1] as string];
    // A header that has a secret for its name is none without it.
    if (redactedHeader(name, injected) === name) clean.push(name, redactedHeader(value, injected));
  }
  return clean;
}

/** No way to write a secret makes it shorter. */
function mayQuote(texts: readonly string[], injected: readonly Injected[]): boolean {
  for (const { secret } of injected) {
    const { length } = secret.reveal();
    for (const text of texts) if (text.length >= length) return true;
  }
  return false;
}

export function redactedHeader(value: string, injected: readonly Injected[]): string {
  return injected.reduce((rest, { secret, inHeaders }) => redactedText(rest, secret, inHeaders), value);
}

export function redactedBody(body: Buffer, injected: readonly Injected[]): Buffer {
  return injected.reduce((rest, { secret }) => redactedBytes(rest, secret), body);
}

function without(raw: readonly string[], own: Names): string[] {
  const named = namedByConnection(raw);
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (HOP_BY_HOP.has(name) || own.has(name)) continue;
    if (named?.includes(name.toLowerCase()) === true) continue;
    kept.push(name, raw[at + 1] as string);
  }
  return kept;
}

/** Further headers of the connection. It must not take away what frames the message. */
function namedByConnection(raw: readonly string[]): string[] | undefined {
  let named: string[] | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (!isNamed(raw[at] as string, 'connection') || raw[at + 1] === 'keep-alive') continue;
    const tokens = tokensOf(raw[at + 1] as string).filter((token) => token !== 'content-length');
    named = [...(named ?? []), ...tokens];
  }
  return named;
}

function isNamed(name: string, lowerCase: string): boolean {
  return name.length === lowerCase.length && name.toLowerCase() === lowerCase;
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
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (isNamed(raw[at] as string, name)) values.push(raw[at + 1] as string);
  }
  return values;
}

function tokensOf(value: string): string[] {
  return value.split(',').map((token) => token.trim().toLowerCase());
}
