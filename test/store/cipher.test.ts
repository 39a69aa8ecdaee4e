import test from 'ava';
import { Secret } from '../../src/base/secret.ts';
import { isSealed, makeSeal } from '../../src/store/cipher.ts';

const KEY = new Secret('a key of sixteen characters or more');

test('what was sealed opens with the same key text, and shows nothing without', (t) => {
  const sealed = makeSeal(KEY).seal('the token', 'wx1 stable 7');
  t.true(isSealed(sealed));
  t.false(sealed.includes('token'));
  t.is(makeSeal(new Secret(KEY.reveal())).open(sealed, 'wx1 stable 7'), 'the token');
});

test('the same text is never sealed the same way twice', (t) => {
  const seal = makeSeal(KEY);
  t.not(seal.seal('the token', 'here'), seal.seal('the token', 'here'));
});

test('another key, another place, or a changed byte do not open it', (t) => {
  const seal = makeSeal(KEY);
  const sealed = seal.seal('the token', 'wx1 stable 7');
  t.is(makeSeal(new Secret('another key of that length')).open(sealed, 'wx1 stable 7'), undefined);
  t.is(makeSeal(undefined).open(sealed, 'wx1 stable 7'), undefined);
  t.is(seal.open(sealed, 'wx1 stable 8'), undefined);
  const start = sealed.indexOf(':') + 1;
  for (let at = start; at < sealed.length; at += 1) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    // The last character may hold bits that stand for nothing.
    if (at === sealed.length - 1) break;
    t.is(seal.open(sealed.slice(0, at) + other + sealed.slice(at + 1), 'wx1 stable 7'), undefined);
  }
  for (const length of [start, start + 10, sealed.length - 4]) {
    t.is(seal.open(sealed.slice(0, length), 'wx1 stable 7'), undefined);
  }
});

test('who has a key trusts nothing that is in clear', (t) => {
  t.is(makeSeal(KEY).open('in clear', 'here'), undefined);
  t.is(makeSeal(undefined).open('in clear', 'here'), 'in clear');
});
