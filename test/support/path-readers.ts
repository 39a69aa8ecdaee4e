/**
 * How servers come from the path of a request to what they look up, each on its own: `undefined` if it
 * refuses the request. Text is Latin-1, a character for a byte.
 */
export type PathReader = (rawPath: string) => string | undefined;

const decoded = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const isWellEscaped = (text: string): boolean => !/%(?![0-9a-f]{2})/i.test(text);

/** RFC 3986, section 5.2.4; empty segments count. */
function removeDotSegments(path: string): string {
  const output: string[] = [];
  const input = path.split('/');
  input.shift();
  input.forEach((segment, index) => {
    const isLast = index === input.length - 1;
    if (segment === '..') {
      output.pop();
      if (isLast) output.push('');
    } else if (segment === '.') {
      if (isLast) output.push('');
    } else output.push(segment);
  });
  return `/${output.join('/')}`;
}

/** ngx_http_parse_complex_uri: one pass that decodes, merges slashes and steps back over `..`. */
function nginx(rawPath: string): string | undefined {
  if (!isWellEscaped(rawPath)) return undefined;
  const plain = decoded(rawPath);
  if (plain.includes('\0')) return undefined;
  const merged = plain.replace(/\/+/g, '/');
  return removeDotSegments(merged);
}

/** `merge_slashes off`. */
function nginxUnmerged(rawPath: string): string | undefined {
  if (!isWellEscaped(rawPath) || decoded(rawPath).includes('\0')) return undefined;
  return removeDotSegments(decoded(rawPath));
}

/** nginx that hands on what it has read, to one that decodes it again. */
function nginxTwice(rawPath: string): string | undefined {
  const first = nginx(rawPath);
  return first === undefined ? undefined : nginx(first);
}

/** httpd refuses encoded slashes unless told otherwise. */
function apache(rawPath: string): string | undefined {
  if (!isWellEscaped(rawPath) || /%2f|%00/i.test(rawPath)) return undefined;
  return removeDotSegments(decoded(rawPath).replace(/\/+/g, '/'));
}

/** `AllowEncodedSlashes NoDecode`, as Envoy and HAProxy are often set up too. */
function apacheNoDecode(rawPath: string): string | undefined {
  if (!isWellEscaped(rawPath) || /%00/.test(rawPath)) return undefined;
  const plain = rawPath.replace(/%(?!2f)[0-9a-f]{2}/gi, decoded);
  return decoded(removeDotSegments(plain.replace(/\/+/g, '/')));
}

/** CoyoteAdapter: parameters first, then one decoding, then RequestUtil.normalize. */
function tomcat(rawPath: string): string | undefined {
  const bare = rawPath.replace(/;[^/]*/g, '');
  if (!isWellEscaped(bare)) return undefined;
  const plain = decoded(bare).replace(/\\/g, '/');
  if (plain.includes('\0')) return undefined;
  return removeDotSegments(plain.replace(/\/+/g, '/'));
}

/** Containers that cut a parameter together with all that follows it. */
function jettyOfOld(rawPath: string): string | undefined {
  const [bare = ''] = rawPath.split(';');
  return removeDotSegments(decoded(bare));
}

/** UrlPathHelper: semicolon content away, decode, slashes sanitized; a slash at the end does not count. */
function spring(rawPath: string): string {
  const bare = rawPath.replace(/;[^/]*/g, '');
  const plain = decoded(bare).replace(/\/\/+/g, '/');
  return plain.length > 1 ? plain.replace(/\/$/, '') : plain;
}

/** StringUtils.cleanPath before a look-up, and parameters cut after decoding. */
function springClean(rawPath: string): string {
  const plain = decoded(rawPath).replace(/\\/g, '/');
  return removeDotSegments(plain.replace(/;[^/]*/g, '')).replace(/\/\/+/g, '/');
}

/** A front controller that decodes what the server has decoded, on functions of C that end at a NUL. */
function php(rawPath: string): string {
  const [plain = ''] = decoded(decoded(rawPath)).split('\0');
  return removeDotSegments(plain.replace(/\/+/g, '/'));
}

/** parse_url on a decoded request URI. */
function phpSplit(rawPath: string): string {
  const [path = ''] = decoded(rawPath).split(/[?#]/);
  return removeDotSegments(path);
}

/** net/http.ServeMux: url.Parse decodes once, path.Clean does the rest and keeps a slash at the end. */
function goServeMux(rawPath: string): string | undefined {
  if (!isWellEscaped(rawPath)) return undefined;
  const plain = decoded(rawPath);
  const clean = removeDotSegments(plain.replace(/\/+/g, '/'));
  const bare = clean.length > 1 ? clean.replace(/\/+$/, '') : clean;
  return plain.endsWith('/') && bare !== '/' ? `${bare}/` : bare;
}

/** Routers of Go that match the decoded path as it is. */
function goRaw(rawPath: string): string | undefined {
  return isWellEscaped(rawPath) ? decoded(rawPath) : undefined;
}

/** IIS of old: decodes twice, knows overlong UTF-8, and drops dots and spaces at the end of names. */
function iis(rawPath: string): string {
  const plain = decoded(decoded(rawPath))
    .replace(/\xe0\x80[\x80-\xbf]/g, (bytes) => String.fromCharCode(bytes.charCodeAt(2) & 0x3f))
    .replace(/\xc0[\x80-\xbf]/g, (bytes) => String.fromCharCode(bytes.charCodeAt(1) & 0x3f))
    .replace(/\xc1[\x80-\xbf]/g, (bytes) => String.fromCharCode(0x40 | (bytes.charCodeAt(1) & 0x3f)))
    .replace(/\\/g, '/');
  return removeDotSegments(plain.replace(/\/+/g, '/'))
    .split('/')
    .map((name) => name.replace(/[. ]+$/, ''))
    .join('/');
}

/** The URL parser of browsers and Node, and a decoding of its pathname. */
function whatwg(rawPath: string): string | undefined {
  if (!URL.canParse(`http://h${rawPath}`)) return undefined;
  return decoded(new URL(`http://h${rawPath}`).pathname);
}

/** A framework that normalizes Unicode before it routes. */
function normalizing(rawPath: string): string {
  const text = Buffer.from(decoded(rawPath), 'latin1').toString('utf8').normalize('NFKC');
  return removeDotSegments(Buffer.from(text, 'utf8').toString('latin1'));
}

/** No reading at all: an exact look-up of the bytes on the wire. */
const literal: PathReader = (rawPath) => rawPath;

/** Some servers, and file systems behind them, do not mind case. */
const uncased: PathReader = (rawPath) => nginx(rawPath)?.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

export const PATH_READERS: Readonly<Record<string, PathReader>> = {
  nginx,
  nginxUnmerged,
  nginxTwice,
  apache,
  apacheNoDecode,
  tomcat,
  jettyOfOld,
  spring,
  springClean,
  php,
  phpSplit,
  goServeMux,
  goRaw,
  iis,
  whatwg,
  normalizing,
  literal,
  uncased,
  behindNginxTomcat: (rawPath) => {
    const first = nginx(rawPath);
    return first === undefined ? undefined : tomcat(first);
  },
  behindTomcatGo: (rawPath) => {
    const first = tomcat(rawPath);
    return first === undefined ? undefined : goServeMux(first);
  },
};
