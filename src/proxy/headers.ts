import { READABLE_CODINGS } from '../upstream/content-coding.ts';
import { headerValues, isNamed } from '../upstream/raw-headers.ts';

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

/** Rewritten for each request, or meant for the sidecar. */
const OWN_TO_REQUEST = new Names('host', 'content-length', 'expect', 'accept-encoding', 'x-wechat-appid');

/** Headers that describe the bytes of a body. */
const OF_BODY = new Names(
  'content-length',
  'content-encoding',
  'etag',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
);

/** Response headers that only the sidecar may set. */
const OURS_ALONE = new Names('x-wechat-sidecar', 'x-wechat-sidecar-error');

/** The sidecar alone says what a web page may read of a response: the page called the sidecar, not the platform. */
const OURS_ALONE_FOR_PAGES = new Names(
  'x-wechat-sidecar',
  'x-wechat-sidecar-error',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
);

/**
 * The headers of the upstream request: all that the caller sent, with their order and spelling, except hop-by-hop
 * headers and ours. Takes and returns flat lists of names and values.
 */
export function requestHeaders(raw: readonly string[]): string[] {
  const headers = without(raw, OWN_TO_REQUEST);
  headers.push('accept-encoding', readableCodings(headerValues(raw, 'accept-encoding')));
  return headers;
}

/** The response headers for the caller, followed by `own`, ours; upstream headers with the same names are dropped. */
export function answerHeaders(raw: readonly string[], own: readonly string[]): string[] {
  const isForPage = own.includes('access-control-allow-origin');
  const headers = without(raw, isForPage ? OURS_ALONE_FOR_PAGES : OURS_ALONE);
  for (const each of own) headers.push(each);
  return headers;
}

/** For a response whose body was rewritten: its length and coding are no longer valid. */
export function rewrittenHeaders(raw: readonly string[], bodyBytes: number): string[] {
  const headers = without(raw, OF_BODY);
  headers.push('content-length', String(bodyBytes));
  return headers;
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

/** Further hop-by-hop headers, named by Connection. They must not include the headers that frame the message. */
function namedByConnection(raw: readonly string[]): string[] | undefined {
  let named: string[] | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (!isNamed(raw[at] as string, 'connection') || raw[at + 1] === 'keep-alive') continue;
    const tokens = tokensOf(raw[at + 1] as string).filter((token) => token !== 'content-length');
    named = [...(named ?? []), ...tokens];
  }
  return named;
}

/** The codings that the caller accepts and we can decode; `identity` if there are none. */
function readableCodings(given: readonly string[]): string {
  const readable = given
    .flatMap((value) => value.split(','))
    .map((coding) => coding.trim())
    .filter((coding) => READABLE_CODINGS.has((coding.split(';', 1)[0] as string).trim().toLowerCase()));
  return readable.length === 0 ? 'identity' : readable.join(', ');
}

function tokensOf(value: string): string[] {
  return value.split(',').map((token) => token.trim().toLowerCase());
}
