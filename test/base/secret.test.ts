import test from 'ava';
import { format, inspect } from 'node:util';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';

test('a secret is never shown, however it is converted to text', (t) => {
  const secret = new Secret('hunter2-hunter2');
  const holder = { secret, list: [secret], map: new Map([['key', secret]]) };
  const shown = [
    secret.toString(),
    JSON.stringify(holder),
    inspect(holder, { depth: 9, showHidden: true }),
    format('%s %o %O %j', secret, secret, secret, secret),
    JSON.stringify(Object.getOwnPropertyNames(secret)),
    JSON.stringify(Object.entries(secret)),
    inspect(new Error('failed', { cause: holder })),
  ].join('\n');
  t.false(shown.includes('hunter2'));
  t.true(shown.includes('[redacted]'));
  t.is(secret.reveal(), 'hunter2-hunter2');
});

test('secrets are compared by value', (t) => {
  t.true(new Secret('a').equals(new Secret('a')));
  t.false(new Secret('a').equals(new Secret('b')));
});

test('a fingerprint is the first 16 hex digits of the SHA-256', (t) => {
  t.is(fingerprintOf('abc'), 'ba7816bf8f01cfea');
});
