import { KNOWN_ENDPOINTS } from '../wechat/endpoints.ts';

const SHOWN_LENGTH_MAX = 128;

/** A segment that may be a token, an openid or an order number: long, and not a word. */
const OPAQUE_SEGMENT = /^(?=.*[A-Z0-9])[^/]{20,}$/;

/** The path of a call for the access log and its span: bounded, and free of anything a caller may have put into it. */
export function shownPath(path: string): string {
  if (KNOWN_ENDPOINTS.has(path)) return path;
  const end = path.slice(0, SHOWN_LENGTH_MAX + 1).search(/[^A-Za-z0-9/_.~-]/);
  const plain = end === -1 ? path : path.slice(0, end);
  const shown = plain
    .slice(0, SHOWN_LENGTH_MAX)
    .split('/')
    .map((segment) => (OPAQUE_SEGMENT.test(segment) ? '[redacted]' : segment))
    .join('/');
  return shown.length === plain.length && end === -1 && plain.length > SHOWN_LENGTH_MAX ? `${shown}…` : shown;
}

/** The same for a call that the gate refused, from its request target. */
export function shownTarget(target: string): string {
  return shownPath(target.replace(/^https?:\/\/[^/?#]*/i, ''));
}
