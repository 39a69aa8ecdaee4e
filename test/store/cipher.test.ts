import test from 'ava';
import { Secret } from '../../src/base/secret.ts';
import { isEncrypted, makeTokenCipher } from '../../src/store/cipher.ts';

const KEY = new Secret('a key of sixteen characters or more');

test('an encrypted text can be decrypted with the same key text, and shows nothing without it', (t) => {
  const sealed = makeTokenCipher(KEY).encrypt('the token', 'wx1 stable 7');
  t.true(isEncrypted(sealed));
  t.false(sealed.includes('token'));
  t.is(makeTokenCipher(new Secret(KEY.reveal())).decrypt(sealed, 'wx1 stable 7'), 'the token');
});

test('the same text is never encrypted the same way twice', (t) => {
  const cipher = makeTokenCipher(KEY);
  t.not(cipher.encrypt('the token', 'here'), cipher.encrypt('the token', 'here'));
});

test('with another key, another place, or a changed byte it cannot be decrypted', (t) => {
  const cipher = makeTokenCipher(KEY);
  const sealed = cipher.encrypt('the token', 'wx1 stable 7');
  t.is(makeTokenCipher(new Secret('another key of that length')).decrypt(sealed, 'wx1 stable 7'), undefined);
  t.is(makeTokenCipher(undefined).decrypt(sealed, 'wx1 stable 7'), undefined);
  t.is(cipher.decrypt(sealed, 'wx1 stable 8'), undefined);
  const start = sealed.indexOf(':') + 1;
  for (let at = start; at < sealed.length; at += 1) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    // The last character may hold bits that stand for nothing.
    if (at === sealed.length - 1) break;
    t.is(cipher.decrypt(sealed.slice(0, at) + other + sealed.slice(at + 1), 'wx1 stable 7'), undefined);
  }
  for (const length of [start, start + 10, sealed.length - 4]) {
    t.is(cipher.decrypt(sealed.slice(0, length), 'wx1 stable 7'), undefined);
  }
});

test('with a key, nothing in clear text is trusted', (t) => {
  t.is(makeTokenCipher(KEY).decrypt('in clear', 'here'), undefined);
  t.is(makeTokenCipher(undefined).decrypt('in clear', 'here'), 'in clear');
});
