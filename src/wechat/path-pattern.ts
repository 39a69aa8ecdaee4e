import { lowerCased } from './path-readings.ts';

/** Returns whether a decoded path matches. */
export type PathPattern = (path: string) => boolean;

const PATTERN = /^\/[^\s?#%\p{Cc}]{0,255}$/u;

/** A pattern starts with `/`, is written without percent-escapes, and has at most 256 characters. */
export function isPathPattern(text: string): boolean {
  return PATTERN.test(text);
}

/**
 * `*` matches any number of characters, including `/` and none at all; everything else matches itself. Match
 * it against the percent-decoded path without the query.
 *
 * Each piece between two stars matches at its first occurrence, which leaves the most room for the
 * rest: there is no backtracking, so no path makes a match slow.
 */
export function compilePathPattern(pattern: string): PathPattern {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (path) => path === pattern;
  const middle = rest.filter((piece) => piece !== '');
  return (path) => {
    if (!path.startsWith(head)) return false;
    let from = head.length;
    for (const piece of middle) {
      const at = path.indexOf(piece, from);
      if (at < 0) return false;
      from = at + piece.length;
    }
    return path.length - tail.length >= from && path.endsWith(tail);
  };
}

/**
 * Returns whether any reading of a path (`readingsOf`) matches any of the patterns. Ignores case and what
 * servers ignore at the end of a name: denying a little too much is harmless.
 */
export function matchAny(patterns: readonly string[]): (readings: Iterable<string>) => boolean {
  const compiled = patterns.map((pattern) => {
    const bytes = Buffer.from(lowerCased(pattern), 'utf8').toString('latin1');
    return compilePathPattern(bytes.replace(/(.)[/.]+$/, '$1'));
  });
  return (readings) => {
    for (const reading of readings) if (compiled.some((matches) => matches(reading))) return true;
    return false;
  };
}
