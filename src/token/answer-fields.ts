/**
 * Which values count as a token and as a lifetime in a response of the platform or of a hub. Any other value
 * makes the response unreadable: it is never used or shown, and the request is retried.
 */

/** Printable ASCII, so that it fits in a URL: any other token would fail every call for its whole lifetime. */
export function isTokenText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{16,2048}$/.test(value);
}

/** The seconds of an `expires_in`: a positive number, or a string of its digits. */
export function lifeSecondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value.trim()) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
