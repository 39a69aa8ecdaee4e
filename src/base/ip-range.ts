import { BlockList, isIP, SocketAddress } from 'node:net';

/** Whether an address is in the range. An IPv4-mapped IPv6 address counts as IPv4. */
export type IpRange = (address: string) => boolean;

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;
const MAPPED_BITS = 96;

/** Parses an address, or a range such as `10.0.0.0/8` or `fd00::/8`; returns undefined for anything else. */
export function readIpRange(text: string): IpRange | undefined {
  const [, base = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(base);
  if (!isFamily(family)) return undefined;
  const bitsMax = family === 4 ? 32 : 128;
  const bits = digits === undefined ? bitsMax : Number(digits);
  if (bits > bitsMax) return undefined;
  const mapped = family === 6 && bits >= MAPPED_BITS ? mappedIn(base) : undefined;
  const range = new BlockList();
  if (mapped === undefined) range.addSubnet(base, bits, FAMILIES[family]);
  else range.addSubnet(mapped, bits - MAPPED_BITS, 'ipv4');
  return (address) => {
    const bare = address.replace(/%.*$/, '');
    const of = isIP(bare);
    return isFamily(of) && range.check(bare, FAMILIES[of]);
  };
}

function isFamily(family: number): family is keyof typeof FAMILIES {
  return family !== 0;
}

/** The IPv4 address in an IPv4-mapped IPv6 address, in any notation. */
function mappedIn(address: string): string | undefined {
  return MAPPED.exec(new SocketAddress({ address, family: 'ipv6' }).address)?.[1];
}
