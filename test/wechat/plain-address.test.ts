import test from 'ava';
import * as fc from 'fast-check';
import { plainAddress } from '../../src/wechat/plain-address.ts';

test('an IPv4 address is shown as IPv4 in any spelling', (t) => {
  const bytes = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  fc.assert(
    fc.property(bytes, fc.boolean(), ([a, b, c, d], upper) => {
      const plain = `${a}.${b}.${c}.${d}`;
      const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const text of [plain, `::ffff:${plain}`, `::ffff:${groups}`, `0:0:0:0:0:ffff:${plain}`]) {
        t.is(plainAddress(upper ? text.toUpperCase() : text), plain);
      }
    }),
  );
});

test('other IPv6 addresses stay unchanged, and anything else is rejected', (t) => {
  for (const text of ['2001:db8::1', '::1', '::', '::203.0.113.7', 'fe80::1%eth0'])
    t.is(plainAddress(text), text);
  for (const text of ['', '999.1.1.1', '1.2.3', '::ffff:', '::ffff:1.2.3.4:5', 'x']) {
    t.is(plainAddress(text), undefined, text);
  }
});
