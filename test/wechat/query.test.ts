import test from 'ava';
import fc from 'fast-check';
import { valuesOf, withoutParam, withParam } from '../../src/wechat/query.ts';

test('a token is put where one was, or at the end, and only once', (t) => {
  t.is(withParam(undefined, 'access_token', 'T'), 'access_token=T');
  t.is(withParam('', 'access_token', 'T'), 'access_token=T');
  t.is(withParam('a=1', 'access_token', 'T'), 'a=1&access_token=T');
  t.is(withParam('a=1&', 'access_token', 'T'), 'a=1&access_token=T');
  t.is(withParam('access_token=x&a=1&access_token=y', 'access_token', 'T'), 'access_token=T&a=1');
  t.is(withParam('a&access_token&b', 'access_token', 'T'), 'a&access_token=T&b');
  t.is(withParam('access%5Ftoken=x', 'access_token', 'T'), 'access_token=T');
});

test('text inside values is left alone, whatever it looks like', (t) => {
  const query = 'long_url=http://x/?a=1%26access_token=KEEP&url=?access_token%3DKEEP';
  t.is(withParam(query, 'access_token', 'T'), `${query}&access_token=T`);
});

test('values are read decoded', (t) => {
  t.deepEqual(valuesOf('a=%E4%BD%A0&b=1+2&a=&a', 'a'), ['你', '', '']);
  t.deepEqual(valuesOf('a=%zz', 'a'), ['%zz']);
  t.deepEqual(valuesOf(undefined, 'a'), []);
});

test('a parameter is removed completely', (t) => {
  t.is(withoutParam('from_appid=x', 'from_appid'), undefined);
  t.is(withoutParam('a=1&from_appid=x&b=2', 'from_appid'), 'a=1&b=2');
  t.is(withoutParam('a=1&&b', 'from_appid'), 'a=1&&b');
  t.is(withoutParam(undefined, 'from_appid'), undefined);
});

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    '=',
    '%41',
    '%',
    '+',
    'access_token',
    '?',
    ';',
    '/',
    '"',
    '\u00ff',
    'ACCESS_TOKEN',
    '%26',
  ),
  fc.string({ maxLength: 5 }).map((text) => text.replaceAll(/[&#]/g, '')),
);
const pair = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const query = fc.array(pair, { maxLength: 8 }).map((pairs) => pairs.join('&'));

test('placing a token leaves every other pair as it was and in order', (t) => {
  fc.assert(
    fc.property(query, (given) => {
      const placed = withParam(given, 'access_token', 'T0KEN');
      t.deepEqual(valuesOf(placed, 'access_token'), ['T0KEN']);
      const others = (text: string): string[] =>
        text.split('&').filter((each) => valuesOf(each, 'access_token').length === 0);
      const kept = others(given);
      // A query that is empty or ends in & has an empty last pair, which the token takes.
      if (valuesOf(given, 'access_token').length === 0 && (given === '' || given.endsWith('&'))) kept.pop();
      t.deepEqual(others(placed), kept);
      t.is(withParam(placed, 'access_token', 'T0KEN'), placed);
    }),
    { numRuns: 2000 },
  );
});
