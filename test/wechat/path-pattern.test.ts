import test from 'ava';
import * as fc from 'fast-check';
import { compilePathPattern, isPathPattern } from '../../src/wechat/path-pattern.ts';

const cases: [pattern: string, matches: string[], others: string[]][] = [
  ['/cgi-bin/token', ['/cgi-bin/token'], ['/cgi-bin/token/', '/cgi-bin/tokens', '/CGI-BIN/token', '/']],
  ['/cgi-bin/clear_quota*', ['/cgi-bin/clear_quota', '/cgi-bin/clear_quota/v2'], ['/cgi-bin/clear']],
  ['/*/token', ['/cgi-bin/token', '//token', '/a/b/token'], ['/token', '/cgi-bin/token2']],
  ['/a*a', ['/aa', '/aba', '/a/a'], ['/a']],
  ['/*ab*ab', ['/abab', '/xabyab'], ['/ab', '/abb']],
  ['/**', ['/', '/x'], ['']],
  ['/a.c', ['/a.c'], ['/abc']],
];

for (const [pattern, matches, others] of cases) {
  test(`${pattern} means what it says`, (t) => {
    t.true(isPathPattern(pattern));
    const means = compilePathPattern(pattern);
    for (const path of matches) t.true(means(path), path);
    for (const path of others) t.false(means(path), path);
  });
}

test('a pattern starts with a slash and contains no query, escape, space or control character', (t) => {
  for (const text of ['', 'cgi-bin', '*', '/a?b', '/a#b', '/a%2f', '/a b', '/a\n', `/${'a'.repeat(256)}`]) {
    t.false(isPathPattern(text), text);
  }
});

test('a pattern agrees with the equivalent regular expression', (t) => {
  const piece = fc.stringMatching(/^[ab/*]{0,8}$/);
  fc.assert(
    fc.property(piece, fc.stringMatching(/^[ab/]{0,12}$/), (tail, path) => {
      const pattern = `/${tail}`;
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(`/${path}`);
      t.is(compilePathPattern(pattern)(`/${path}`), expected);
    }),
    { numRuns: 1_000 },
  );
});

test('a pattern of many stars is quick on a path that almost fits', (t) => {
  const means = compilePathPattern(`/${'*a'.repeat(120)}*b`);
  const beganMs = performance.now();
  t.false(means(`/${'a'.repeat(16_000)}`));
  // Backtracking would take longer than the age of the universe; this bound is for slow machines.
  t.true(performance.now() - beganMs < 5_000);
});
