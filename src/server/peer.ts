import { isIPv6 } from 'node:net';

/** The address that stands for a peer when places are shared out: whoever has one IPv6 address has the 2⁶⁴ beside it too. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    // The last group may be an IPv4 address, which takes the place of two.
    const afterCount = after.length + (tail.includes('.') ? 1 : 0);
    while (groups.length + afterCount < 8) groups.push('0');
    groups.push(...after);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
