import { isIP } from 'node:net';

/**
 * An address as people write it, and as the platform's IP list takes it: an IPv4 address that is mapped
 * into IPv6, in whichever spelling, is shown as IPv4. `undefined` for what is no address.
 */
export function plainAddress(text: string): string | undefined {
  if (isIP(text) !== 6) return isIP(text) === 0 ? undefined : text;
  // The URL parser knows every spelling of an IPv6 address, but not those with a zone.
  const url = `http://[${text}]/`;
  const canonical = URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : text;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return text;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}
