/** Parameters that stand in the place of `access_token`. */
export const OTHER_TOKEN_PARAMS = ['component_access_token', 'cloudbase_access_token'] as const;

/** Calls that carry the AppSecret, and the name of the parameter that holds it. */
const SECRET_PARAMS = new Map([
  ['/sns/jscode2session', 'secret'],
  ['/sns/oauth2/access_token', 'secret'],
  ['/cgi-bin/clear_quota/v2', 'appsecret'],
]);

/** The closed list of paths that a hub calls for others with the secret filled in. */
export const SECRET_PATHS: readonly string[] = [...SECRET_PARAMS.keys()];

/** Source: developer.work.weixin.qq.com/document/path/, 91039, 97162 and 91770. */
const WECOM = /^\/cgi-bin\/(?:gettoken$|corpgroup\/corp\/gettoken$|service\/|webhook\/)/;

export type PathKind =
  /** Answered with a stand-in token, never forwarded. */
  | { readonly kind: 'token'; readonly endpoint: 'token' | 'stable_token' }
  /** Carries the AppSecret; goes out by `path`, however it was written. */
  | { readonly kind: 'secret'; readonly path: string; readonly secretParam: string }
  /** A call of WeCom (企业微信) for its own tokens, or with a key of its own: another platform, which is not served. */
  | { readonly kind: 'wecom' }
  /** For the sidecar itself; the platform has nothing there. */
  | { readonly kind: 'sidecar' }
  /** A user's call, whose access_token is that user's own. */
  | { readonly kind: 'user' }
  /** A call of a third-party platform, with the token of that platform. */
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
 * What a path is to any server. If it could be a call that never leaves as it was written, it is that
 * one. `undefined` if readings differ in what they need: no token would be right for all of them.
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
 * The form by which a path is known in logs, metrics and reports: percent-decoded (also twice and thrice),
 * `\` as `/`, repeated slashes and dot segments resolved. `undefined` for a path that is malformed.
 */
export function canonicalPath(rawPath: string): string | undefined {
  let path = rawPath;
  for (let round = 0; path.includes('%'); round++) {
    if (round === DECODINGS_MAX || /%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
    path = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
  // oxlint-disable-next-line no-control-regex -- these are the characters that are meant
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
