/** Parameters that replace `access_token`. */
export const OTHER_TOKEN_PARAMS = ['component_access_token', 'cloudbase_access_token'] as const;

/** Calls that carry the AppSecret, with the name of its parameter. */
const SECRET_PARAMS = new Map([
  ['/sns/jscode2session', 'secret'],
  ['/sns/oauth2/access_token', 'secret'],
  ['/cgi-bin/clear_quota/v2', 'appsecret'],
]);

/** The only paths that a hub calls for others with the secret filled in. */
export const SECRET_PATHS: readonly string[] = [...SECRET_PARAMS.keys()];

/** Source: developer.work.weixin.qq.com/document/path/, 91039, 97162 and 91770. */
const WECOM = /^\/cgi-bin\/(?:gettoken$|corpgroup\/corp\/gettoken$|service\/|webhook\/)/;

export type PathKind =
  /** The response is a stand-in; never forwarded. */
  | { readonly kind: 'token'; readonly endpoint: 'token' | 'stable_token' }
  /** Carries the AppSecret; sent to `path`, no matter how the caller wrote it. */
  | { readonly kind: 'secret'; readonly path: string; readonly secretParam: string }
  /** A WeCom (企业微信) call for its own tokens, or with its own key: a different platform, which is not served. */
  | { readonly kind: 'wecom' }
  /** For the sidecar itself; the platform has no such paths. */
  | { readonly kind: 'sidecar' }
  /** A call with a user's own access_token. */
  | { readonly kind: 'user' }
  /** A call of a third-party platform, with that platform's token. */
  | { readonly kind: 'component' }
  | { readonly kind: 'ordinary' };

const SETTLED_HERE: ReadonlySet<PathKind['kind']> = new Set(['token', 'secret', 'wecom', 'sidecar']);

export function kindOfPath(path: string): PathKind {
  if (path === '/cgi-bin/token') return { kind: 'token', endpoint: 'token' };
  if (path === '/cgi-bin/stable_token') return { kind: 'token', endpoint: 'stable_token' };
  const secretParam = SECRET_PARAMS.get(path);
  if (secretParam !== undefined) return { kind: 'secret', path, secretParam };
  if (WECOM.test(path)) return { kind: 'wecom' };
  if (path.startsWith('/__sidecar/')) return SIDECAR;
  if (path.startsWith('/sns/')) return USER;
  return path.startsWith('/cgi-bin/component/') ? COMPONENT : ORDINARY;
}

const USER: PathKind = { kind: 'user' };
const COMPONENT: PathKind = { kind: 'component' };
const SIDECAR: PathKind = { kind: 'sidecar' };
const ORDINARY: PathKind = { kind: 'ordinary' };

/**
 * The kind of a path for any server. If any reading is handled here or rewritten, that kind wins. Returns
 * `undefined` if the readings need different tokens: none would be right for all of them.
 */
export function kindOfReadings(readings: Iterable<string>): PathKind | undefined {
  const kinds = new Map<string, PathKind>();
  for (const reading of readings) {
    const kind = kindOfPath(reading);
    kinds.set(JSON.stringify(kind), kind);
  }
  const all = [...kinds.values()];
  const settledHere = all.filter(({ kind }) => SETTLED_HERE.has(kind));
  const [only, ...others] = settledHere.length === 0 ? all : settledHere;
  return others.length === 0 ? only : undefined;
}

const DECODINGS_MAX = 3;

/**
 * The form of a path in logs, metrics and reports: percent-decoded (up to three times), `\` as `/`,
 * repeated slashes and dot segments resolved. Returns `undefined` for a malformed path.
 */
export function canonicalPath(rawPath: string): string | undefined {
  let path = rawPath;
  for (let round = 0; path.includes('%'); round++) {
    if (round === DECODINGS_MAX || /%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
    path = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what it must match
  if (/[\x00-\x1f\x7f]/.test(path)) return undefined;
  const segments: string[] = [];
  const given = path.replaceAll('\\', '/').split('/');
  for (const segment of given) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const last = given.at(-1);
  const slash = segments.length > 0 && (last === '' || last === '.' || last === '..') ? '/' : '';
  return `/${segments.join('/')}${slash}`;
}
