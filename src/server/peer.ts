import { isIPv6 } from 'node:net';

/** What identifies a peer when connections are shared out: a host with one IPv6 address has its whole /64. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    // The last group may be an IPv4 address, which counts as two groups.
    const afterCount = after.length + (tail.includes('.') ? 1 : 0);
    while (groups.length + afterCount < 8) groups.push('0');
    groups.push(...after);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
