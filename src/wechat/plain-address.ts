import { isIP } from 'node:net';

/**
 * An address as people write it, and as the platform's IP list accepts it: an IPv4-mapped IPv6 address, in
 * any notation, is returned as IPv4. Returns `undefined` if `text` is not an address.
 */
export function plainAddress(text: string): string | undefined {
  if (isIP(text) !== 6) return isIP(text) === 0 ? undefined : text;
  // The URL parser accepts every notation of an IPv6 address except one with a zone.
  const url = `http://[${text}]/`;
  const canonical = URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : text;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return text;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}
