/** Paths that no server reads in more than one way but for their case: names, with single dots within. */
const PLAIN = /^(?:\/[\w~-]+(?:\.[\w~-]+)*)+$/;

/** No path of the platform comes near these; they bound what telling all readings may cost. */
const BYTES_MAX = 2_048;
const READINGS_MAX = 400;

/**
 * What servers and gateways do to a path before they look at it, in whatever order and number. Each step
 * takes and returns Latin-1, a character for a byte.
 */
const STEPS: readonly ((path: string) => string)[] = [
  (path) => percentDecoded(path, /%([0-9a-f]{2})/gi),
  // Browsers decode dots alone, and some gateways everything but slashes, before they resolve dot segments.
  (path) => percentDecoded(path, /%(2e)/gi),
  (path) => percentDecoded(path, /%(?!2f|5c)([0-9a-f]{2})/gi),
  // Servlet containers cut parameters (`/a;x=1/b`), segment by segment or all that follows.
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => cutAt(path, /;/),
  // IIS and the URL parser of browsers.
  (path) => path.replaceAll('\\', '/'),
  // What is written in C ends at a NUL.
  (path) => cutAt(path, /\0/),
  // A gateway that decodes before it splits off the query.
  (path) => cutAt(path, /[?#]/),
  dotsResolved,
  (path) => path.replaceAll(/\/{2,}/g, '/'),
  (path) => path.replace(/(.)\/+$/s, '$1'),
  (path) => path.trimEnd(),
  namesTrimmed,
  overlongShortened,
  compatibilityFolded,
];

/** Whether the path in lower case is its only reading. */
export function isPlainPath(rawPath: string): boolean {
  return PLAIN.test(rawPath);
}

/**
 * All that a path may be to a server behind us, in lower case: the closure of it under what servers do to
 * paths. `undefined` for one that could be read in too many ways to tell.
 */
export function readingsOf(rawPath: string): ReadonlySet<string> | undefined {
  if (isPlainPath(rawPath)) return new Set([lowerCased(rawPath)]);
  if (rawPath.length > BYTES_MAX) return undefined;
  const readings = new Set([lowerCased(rawPath)]);
  // A set is iterated on to what is added on the way.
  for (const reading of readings) {
    for (const step of STEPS) readings.add(lowerCased(step(reading)));
    if (readings.size > READINGS_MAX) return undefined;
  }
  return readings;
}

/** In ASCII alone, since all other characters are bytes of something. */
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

/** As RFC 3986 has it: an empty segment is one, so `/a//../b` is `/a/b`. */
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

/** UTF-8 with more bytes than a character needs, which decoders of old accept: `%c0%af` is a slash. */
function overlongShortened(path: string): string {
  return path.replaceAll(
    /[\xc0\xc1][\x80-\xbf]|\xe0[\x80\x81][\x80-\xbf]|\xf0\x80[\x80\x81][\x80-\xbf]/g,
    (bytes) =>
      String.fromCharCode(
        ((bytes.charCodeAt(bytes.length - 2) & 1) << 6) | (bytes.charCodeAt(bytes.length - 1) & 0x3f),
      ),
  );
}

/** Full-width and other forms of ASCII as ASCII, as Unicode's NFKC has it. */
function compatibilityFolded(path: string): string {
  if (!/[\x80-\xff]/.test(path)) return path;
  const folded = Buffer.from(path, 'latin1').toString('utf8').normalize('NFKC');
  return Buffer.from(folded, 'utf8').toString('latin1');
}
