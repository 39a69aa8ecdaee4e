import { ownString } from '../base/own-string.ts';
import { API_HOSTS, hostnameOf, isLoopbackName, WECOM_HOST } from '../wechat/hosts.ts';
import { canonicalPath, kindOfPath, kindOfReadings, type PathKind } from '../wechat/path.ts';
import { isPlainPath, lowerCased, readingsOf } from '../wechat/path-readings.ts';
import type { RawQuery } from '../wechat/query.ts';
import type { CallRequest } from './caller.ts';
import { knownHeadOf } from './known-head.ts';
import { senderOf } from './web-page.ts';

export interface GateRules {
  /** Host names of the configured upstreams, in lower case. */
  readonly upstreamHosts: ReadonlySet<string>;
  /** Additional host names that are served, in lower case. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Origins of web pages that are allowed to call. */
  readonly allowedOrigins: ReadonlySet<string>;
  /** Whether a path with these readings is on the deny list. */
  readonly denied: (readings: Iterable<string>) => boolean;
}

/** The destination of a request. */
export interface Target {
  /** As the caller wrote it, except that a leading `//` is reduced. */
  readonly rawPath: string;
  readonly query: RawQuery;
  /** Its canonical form, which identifies the call from here on. */
  readonly path: string;
  /** The path for logs and metrics: without what follows an escaped `?`, which may be a token. */
  readonly label: string;
  /** Derived from all readings of the path, not only the canonical form. */
  readonly kind: PathKind;
}

/** The request target with a different query, as it is sent. */
export function toRequestTarget({ rawPath }: Target, query: RawQuery): string {
  return query === undefined ? rawPath : `${rawPath}?${query}`;
}

export type GateReason = 'bad_request' | 'forbidden_host' | 'forbidden_origin' | 'forbidden_path';

type Verdict =
  | { readonly kind: 'open'; readonly target: Target }
  /** A browser asks whether a page of an allowed origin may call. */
  | { readonly kind: 'preflight' }
  | { readonly kind: 'refused'; readonly reason: GateReason; readonly message: string };

/** `page` is the allowed origin of a web page that may read the response. */
export type Gated = Verdict & { readonly page?: string | undefined };

/**
 * Admits what a business program of this pod would send, and rejects what a web page, a rebound DNS name or a proxy
 * client could send: other hosts, upgrades, cross-site calls, denied paths, and framing that two servers could read
 * differently. (CONNECT and non-HTTP input never become a request.)
 */
export function gate(request: CallRequest, rules: GateRules): Gated {
  const known = request.fields === undefined ? undefined : knownHeadOf(request.fields);
  // An earlier verdict on these header lines holds for every path.
  if (known?.admittedBy === rules && request.url?.startsWith('/') === true) {
    const form = splitTarget(request.url);
    if (form !== undefined) return gatePath(form, rules);
  }
  const problem = messageProblem(request);
  if (problem !== undefined) return refused('bad_request', problem);

  const form = splitTarget(request.url ?? '');
  if (form === undefined) {
    return refused('bad_request', 'the request target must be a path or an http(s) URL with one');
  }
  const authority = form.authority ?? request.headers.host;
  const host = kindOfHost(authority, request.httpVersion, rules);
  if (host === 'other') return refused('forbidden_host', wordsOnHost(authority));
  const addressed = authority === undefined ? '' : `${schemeOf(request, form)}://${authority}`;
  const { headers, rawHeaders } = request;
  const toFurtherHost = host === 'further';
  const sender = senderOf({ headers, rawHeaders, addressed, toFurtherHost }, rules.allowedOrigins);
  if (sender.kind === 'foreign') {
    return refused('forbidden_origin', toFurtherHost ? FROM_BROWSER : FROM_PAGE);
  }
  const page = sender.kind === 'allowed' ? sender.origin : undefined;
  if (known !== undefined && page === undefined && form.authority === undefined) known.admittedBy = rules;
  return { ...(page !== undefined && isPreflight(request) ? PREFLIGHT : gatePath(form, rules)), page };
}

const FROM_PAGE =
  'calls of web pages of other origins are refused (WECHAT_SIDECAR_ALLOWED_ORIGINS lists exceptions)';
const FROM_BROWSER =
  'this looks like the call of a web page: on a host of WECHAT_SIDECAR_ALLOWED_HOSTS a Cookie, a foreign Referer, ' +
  'or a User-Agent that begins with Mozilla/ is refused; leave it out (WECHAT_SIDECAR_ALLOWED_ORIGINS lists exceptions)';

const PREFLIGHT: Verdict = { kind: 'preflight' };

function isPreflight({ method, headers }: CallRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

function schemeOf({ socket = {} }: CallRequest, { scheme }: TargetForm): string {
  return scheme ?? ('encrypted' in socket ? 'https' : 'http');
}

function wordsOnHost(authority: string | undefined): string {
  if (authority !== undefined && hostnameOf(authority) === WECOM_HOST) {
    return 'this is the host of WeCom (企业微信), which wechat-sidecar does not serve; call it directly';
  }
  return 'this host is not served here; use localhost or api.weixin.qq.com, or add it to WECHAT_SIDECAR_ALLOWED_HOSTS';
}

/** A browser that displays one of our responses, even a refusal, requests this as same-origin. */
const BROWSERS_OWN = '/favicon.ico';

/** A path is forwarded as written, so the decision covers every way in which a server could read it. */
function gatePath({ rawPath, query }: TargetForm, rules: GateRules): Verdict {
  const known = admittedPathsOf(rules).get(rawPath);
  if (known !== undefined) return openTo(known.path, known.kind, query);
  if (isPlainPath(rawPath) && rawPath !== BROWSERS_OWN) {
    // It is kept: here, in labels and elsewhere.
    const path = ownString(rawPath);
    const reading = lowerCased(path);
    if (rules.denied([reading])) return DENIED;
    const kind = kindOfPath(reading);
    if (path.length <= ADMITTED_CHARS_MAX) admit(path, kind);
    return openTo(path, kind, query);
  }
  const readings = readingsOf(rawPath);
  if (readings !== undefined && rules.denied(readings)) return DENIED;
  const path = canonicalPath(rawPath);
  if (readings === undefined || path === undefined) return refused('bad_request', 'the path is malformed');
  if (path === BROWSERS_OWN) {
    return refused('forbidden_path', 'browsers ask for this icon unasked, and the platform has none');
  }
  const kind = kindOfReadings(readings);
  if (kind === undefined) {
    return refused('bad_request', 'servers could read this path in different ways; write it plainly');
  }
  const end = path.search(/[?#=&;]/);
  const label = end === -1 ? path : path.slice(0, end);
  return { kind: 'open', target: { rawPath, query, path, label, kind } };
}

/** A plain path is its own canonical form, and shows nothing that a log must not contain. */
function openTo(path: string, kind: PathKind, query: RawQuery): Verdict {
  return { kind: 'open', target: { rawPath: path, query, path, label: path, kind } };
}

type AdmittedPath = Pick<Target, 'path' | 'kind'>;

/** More paths than a program calls. */
export const ADMITTED_MAX = 1_000;
/** After this many calls to paths that found no room, all are forgotten, to make room for those that are called now. */
const MISSES_MAX = 10 * ADMITTED_MAX;
export const ADMITTED_CHARS_MAX = 128;

/** Plain paths that the rules were found to admit, so that the next call to one costs a lookup. */
function admittedPathsOf(rules: GateRules): ReadonlyMap<string, AdmittedPath> {
  if (admitted.rules !== rules) admitted = { rules, paths: new Map(), misses: 0 };
  return admitted.paths;
}

/** There is one set of rules at a time. */
let admitted: { rules?: GateRules; paths: Map<string, AdmittedPath>; misses: number } = {
  paths: new Map(),
  misses: 0,
};

function admit(path: string, kind: PathKind): void {
  const { paths } = admitted;
  if (paths.size >= ADMITTED_MAX) {
    admitted.misses += 1;
    if (admitted.misses <= MISSES_MAX) return;
    admitted.misses = 0;
    paths.clear();
  }
  paths.set(path, { path, kind });
}

function refused(reason: GateReason, message: string): Verdict {
  return { kind: 'refused', reason, message };
}

const DENIED = refused('forbidden_path', 'this path is on the deny list (WECHAT_SIDECAR_DENY_PATHS)');

function messageProblem({ method, headers, rawHeaders, httpVersion }: CallRequest): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'this is neither HTTP/1.1 nor HTTP/1.0';
  // A gateway on the way could echo the request, including our token.
  if (method === 'TRACE') return 'TRACE is not served here';
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return 'the only Transfer-Encoding that is understood is chunked';
  }
  if (coding !== undefined && httpVersion !== '1.1') return 'Transfer-Encoding needs HTTP/1.1';
  if (coding !== undefined && headers['content-length'] !== undefined) {
    return 'Transfer-Encoding and Content-Length exclude each other';
  }
  for (const name of ['host', 'content-length', 'transfer-encoding']) {
    if (timesGiven(rawHeaders, name) > 1) return `the header ${name} is given more than once`;
  }
  // A client may offer HTTP/2 on an ordinary call, as Java's does; responding in HTTP/1.1 declines it.
  const upgrade = headers.upgrade;
  if (upgrade !== undefined && upgrade.trim().toLowerCase() !== 'h2c') {
    return 'protocol upgrades are not served here';
  }
  return undefined;
}

function timesGiven(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, index) => index % 2 === 0 && header.toLowerCase() === name).length;
}

interface TargetForm {
  /** Only in absolute form, as is `authority`. */
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly rawPath: string;
  readonly query: RawQuery;
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)/i;

/** Parses origin form and absolute form; `undefined` for anything else (`*`, an authority, a fragment). */
function splitTarget(url: string): TargetForm | undefined {
  if (url.includes('#')) return undefined;
  const absolute = url.startsWith('/') ? null : ABSOLUTE.exec(url);
  const rest = absolute === null ? url : url.slice(absolute[0].length);
  if (absolute === null && !rest.startsWith('/')) return undefined;
  const mark = rest.indexOf('?');
  const givenPath = mark === -1 ? rest : rest.slice(0, mark);
  return {
    scheme: absolute?.[1],
    authority: absolute?.[2],
    // Some SDKs join a base URL with a trailing slash and a path with a leading slash.
    rawPath: givenPath.length > 1 && givenPath[1] !== '/' ? givenPath : `/${givenPath.replace(/^\/+/, '')}`,
    query: mark === -1 ? undefined : rest.slice(mark + 1),
  };
}

/** `further`: a host that the settings add. */
function kindOfHost(
  authority: string | undefined,
  httpVersion: string,
  { allowedHosts, upstreamHosts }: GateRules,
): 'usual' | 'further' | 'other' {
  // HTTP/1.0 callers may omit Host, and browsers always send it.
  if (authority === undefined) return httpVersion === '1.0' ? 'usual' : 'other';
  const name = hostnameOf(authority);
  if (name === undefined) return 'other';
  if (isLoopbackName(name) || API_HOSTS.has(name)) return 'usual';
  if (allowedHosts.has(name)) return 'further';
  return upstreamHosts.has(name) ? 'usual' : 'other';
}
