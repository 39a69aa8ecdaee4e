/** Paths that all servers read in the same way except for case: names with single dots inside. */
const PLAIN = /^(?:\/[\w~-]+(?:\.[\w~-]+)*)+$/;

/** Far above any path of the platform; these limit the cost of computing all readings. */
const BYTES_MAX = 2_048;
const READINGS_MAX = 400;

/**
 * What servers and gateways may do to a path before they interpret it, in any order and any number of times.
 * Each step takes and returns Latin-1, one character per byte.
 */
const STEPS: readonly ((path: string) => string)[] = [
  (path) => percentDecoded(path, /%([0-9a-f]{2})/gi),
  // Before they resolve dot segments, browsers decode only dots, and some gateways everything but slashes.
  (path) => percentDecoded(path, /%(2e)/gi),
  (path) => percentDecoded(path, /%(?!2f|5c)([0-9a-f]{2})/gi),
  // Servlet containers cut parameters (`/a;x=1/b`), per segment or with all that follows.
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => cutAt(path, /;/),
  // IIS, and the URL parser of browsers.
  (path) => path.replaceAll('\\', '/'),
  // In C programs a string ends at a NUL.
  (path) => cutAt(path, /\0/),
  // Gateways that decode before they split off the query.
  (path) => cutAt(path, /[?#]/),
  dotsResolved,
  (path) => path.replaceAll(/\/{2,}/g, '/'),
  (path) => path.replace(/(.)\/+$/s, '$1'),
  (path) => path.trimEnd(),
  namesTrimmed,
  overlongShortened,
  compatibilityFolded,
];

/** Whether the lower-case path is its only reading. */
export function isPlainPath(rawPath: string): boolean {
  return PLAIN.test(rawPath);
}

/**
 * All readings of a path by any server behind us, in lower case: the closure of the path under `STEPS`.
 * Returns `undefined` if there are too many.
 */
export function readingsOf(rawPath: string): ReadonlySet<string> | undefined {
  if (isPlainPath(rawPath)) return new Set([lowerCased(rawPath)]);
  if (rawPath.length > BYTES_MAX) return undefined;
  const readings = new Set([lowerCased(rawPath)]);
  // Iterating a Set also visits elements that are added during the iteration.
  for (const reading of readings) {
    for (const step of STEPS) readings.add(lowerCased(step(reading)));
    if (readings.size > READINGS_MAX) return undefined;
  }
  return readings;
}

/** ASCII only, because all other characters are bytes of multi-byte sequences. */
export function lowerCased(text: string): string {
  if (!/[A-Z]/.test(text)) return text;
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function percentDecoded(path: string, escape: RegExp): string {
  return path.replaceAll(escape, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function cutAt(path: string, end: RegExp): string {
  const at = path.search(end);
  return at === -1 ? path : path.slice(0, at);
}

/** As in RFC 3986: an empty segment counts, so `/a//../b` is `/a/b`. */
function dotsResolved(path: string): string {
  const segments: string[] = [];
  const given = path.split('/').slice(1);
  for (const [index, segment] of given.entries()) {
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') segments.pop();
    if (!isDots) segments.push(segment);
    else if (index === given.length - 1) segments.push('');
  }
  return `/${segments.join('/')}`;
}

/** Windows drops dots and spaces at the end of a name. */
function namesTrimmed(path: string): string {
  const trimmed = (name: string): string => {
    let end = name.length;
    while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end -= 1;
    return name.slice(0, end);
  };
  const names = path.split('/');
  return names.map((name) => (name === '.' || name === '..' ? name : trimmed(name))).join('/');
}

/** Overlong UTF-8, which old decoders accept: `%c0%af` is a slash. */
function overlongShortened(path: string): string {
  return path.replaceAll(
    /[\xc0\xc1][\x80-\xbf]|\xe0[\x80\x81][\x80-\xbf]|\xf0\x80[\x80\x81][\x80-\xbf]/g,
    (bytes) =>
      String.fromCharCode(
        ((bytes.charCodeAt(bytes.length - 2) & 1) << 6) | (bytes.charCodeAt(bytes.length - 1) & 0x3f),
      ),
  );
}

/** Maps full-width and other forms of ASCII to ASCII, as Unicode's NFKC does. */
function compatibilityFolded(path: string): string {
  if (!/[\x80-\xff]/.test(path)) return path;
  const folded = Buffer.from(path, 'latin1').toString('utf8').normalize('NFKC');
  return Buffer.from(folded, 'utf8').toString('latin1');
}
