import { lowerCased } from './path-readings.ts';

/** Says whether a decoded path is meant. */
export type PathPattern = (path: string) => boolean;

const PATTERN = /^\/[^\s?#%\p{Cc}]{0,255}$/u;

/** A pattern starts with `/`, is written without percent-escapes, and has at most 256 characters. */
export function isPathPattern(text: string): boolean {
  return PATTERN.test(text);
}

/**
 * `*` stands for any characters, `/` and none at all included; everything else stands for itself. To be
 * asked with the path as it is after percent-decoding, without the query.
 *
 * Each piece between two stars is taken where it first occurs, which leaves the most room for the
 * rest: nothing is ever tried twice, so no path makes a match slow.
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
 * Says whether any reading of a path (`readingsOf`) is meant by any of the patterns. Case does not count,
 * nor what stands at the end of a name for nothing: to refuse too much of a denied path harms nobody.
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
