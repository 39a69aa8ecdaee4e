/** Paths that take a token of another kind, or none: nothing is added there and nothing replaced. */
const TOKENLESS_PREFIXES = ['/sns/', '/cgi-bin/component/'];
const TOKENLESS_PATHS = new Set(['/cgi-bin/clear_quota/v2']);

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

export type PathKind =
  /** Answered with a stand-in token, never forwarded. */
  | { readonly kind: 'token'; readonly endpoint: 'token' | 'stable_token' }
  | { readonly kind: 'secret'; readonly secretParam: string }
  | { readonly kind: 'tokenless' }
  | { readonly kind: 'ordinary' };

/** `path` as `canonicalPath` gives it. */
export function kindOfPath(path: string): PathKind {
  if (path === '/cgi-bin/token') return { kind: 'token', endpoint: 'token' };
  if (path === '/cgi-bin/stable_token') return { kind: 'token', endpoint: 'stable_token' };
  const secretParam = SECRET_PARAMS.get(path);
  if (secretParam !== undefined) return { kind: 'secret', secretParam };
  const tokenless = TOKENLESS_PATHS.has(path) || TOKENLESS_PREFIXES.some((prefix) => path.startsWith(prefix));
  return { kind: tokenless ? 'tokenless' : 'ordinary' };
}

const DECODINGS_MAX = 3;

/**
 * The path as a server may come to read it: percent-decoded (also twice and thrice), `\` as `/`,
 * repeated slashes and dot segments resolved. What is refused or treated in a special way is decided
 * on this form, while the raw bytes are what is forwarded. `undefined` for a path that is malformed.
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
