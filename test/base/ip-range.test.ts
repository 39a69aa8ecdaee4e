import test from 'ava';
import { readIpRange } from '../../src/base/ip-range.ts';

test('a range contains the addresses of its family, including IPv4-mapped IPv6 addresses', (t) => {
  for (const [range, address, isIn] of [
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['10.0.0.0/8', '::ffff:11.1.2.3', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', 'fd00::1', false],
    ['::/0', 'fd00::1', true],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fe80::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:a00:0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '::ffff:11.1.2.3', false],
    ['10.1.2.3', '', false],
    ['10.1.2.3', 'localhost', false],
  ] as const) {
    t.is(readIpRange(range)?.(address), isIn, `${address} in ${range}`);
  }
});

test('anything else than an address or a range is rejected', (t) => {
  for (const text of [
    '',
    '/',
    '10.1.2',
    '10.1.2.3/33',
    '10.1.2.3/',
    '10.1.2.3/-1',
    'fd00::/129',
    'a/8',
    '10.1.2.3/8/8',
  ]) {
    t.is(readIpRange(text), undefined, text);
  }
});
