/**
 * What counts as a token and as a life in an answer of the platform or of a hub. Anything else makes the
 * answer unreadable: it is asked for again, and is never used or shown.
 */

/** Of printable ASCII, so that it can stand in a URL: a token that cannot would fail every call for its whole life. */
export function isTokenText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{16,2048}$/.test(value);
}

/** The seconds of an `expires_in`: a positive number, or the digits of one as text. */
export function lifeSecondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value.trim()) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
