import test from 'ava';
import fc from 'fast-check';
import { matchAny } from '../../src/wechat/path-pattern.ts';
import { canonicalPath } from '../../src/wechat/path.ts';
import { lowerCased, readingsOf } from '../../src/wechat/path-readings.ts';
import { PATH_READERS } from '../support/path-readers.ts';

const DENIED = '/cgi-bin/clear_quota';

/** Pieces that mean something to one server or another, around the names of a denied path. */
const PIECES = `
  / / / \\ . .. ; ;x=1 ? // /./ /../ /..;/ /;/ %2e %2E%2e %2f %5c %3b %3B %00 %3f %23 %20 %25 %252e %252f
  %25252e %c0%ae %c0%af %ef%bc%8f %ef%bc%8e %e0%80%af %zz % %u002f
  cgi-bin cgi-bin clear_quota clear_quota %63gi-bin CGI-BIN clear%5fquota x sns
`
  .trim()
  .split(/\s+/);
const anyPath = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 12 })
  .map((pieces) => `/${pieces.join('')}`);

/** The denied path, written in ways that one server or another does not mind. */
const disguised = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        (path: string) => path.replace('/clear', '/x/../clear'),
        (path: string) => path.replace('/clear', '/x/..;/clear'),
        (path: string) => path.replace('/clear', '/x/..;a=b/clear'),
        (path: string) => path.replace('/clear', '/.;/clear'),
        (path: string) => path.replace('/clear', '//clear'),
        (path: string) => path.replace('/clear', '/%2e/clear'),
        (path: string) => path.replace('/clear', '\\clear'),
        (path: string) => path.replace('/clear', ';jsessionid=1/clear'),
        (path: string) => `/x/%2e%2e%3b${path}`,
        (path: string) => `/a%2fb/%2e%2e${path}`,
        (path: string) => `/%ef%bc%8e.${path}`,
        (path: string) => path.replaceAll('..', '%c0%ae%c0%ae'),
        (path: string) => path.replaceAll('/', '%2f').replace('%2f', '/'),
        (path: string) => path.replaceAll('%', '%25'),
        (path: string) => path.replace('quota', 'Quota'),
        (path: string) => path.replace('bin', '%62i%6E'),
        (path: string) => `${path}/`,
        (path: string) => `${path}.`,
        (path: string) => `${path}%20`,
        (path: string) => `${path};x`,
        (path: string) => `${path}%00.html`,
        (path: string) => `${path}%3Fx=1`,
        (path: string) => `${path}/x/..`,
      ),
    ),
    { maxLength: 5 },
  )
  .map((changes) => changes.reduce((path, [change]) => change(path), DENIED));

function isRead(rawPath: string, as: string): string[] {
  return Object.entries(PATH_READERS).flatMap(([name, reader]) =>
    reader(rawPath)?.replace(/(.)\/$/, '$1') === as ? [name] : [],
  );
}

test('any server’s reading of a denied path is among the readings, or there are too many of them', (t) => {
  const reads = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(anyPath, disguised), (rawPath) => {
      const by = isRead(rawPath, DENIED);
      for (const name of by) reads.add(name);
      const readings = readingsOf(rawPath);
      t.true(
        by.length === 0 || readings === undefined || readings.has(DENIED),
        `${rawPath} is the denied path to ${by.join(', ')}`,
      );
    }),
    { numRuns: 4_000 },
  );
  // Each of the readers has had something to read.
  t.deepEqual([...reads].toSorted(), Object.keys(PATH_READERS).toSorted());
});

test('any server’s reading is among the readings, in lower case', (t) => {
  fc.assert(
    fc.property(anyPath, (rawPath) => {
      const readings = readingsOf(rawPath);
      if (readings === undefined) return;
      for (const [name, reader] of Object.entries(PATH_READERS)) {
        const read = reader(rawPath);
        const isKnown = read === undefined || readings.has(lowerCased(read));
        t.true(isKnown, `${rawPath} is ${read} to ${name}`);
      }
    }),
    { numRuns: 4_000 },
  );
});

test('the canonical form is one of the readings', (t) => {
  fc.assert(
    fc.property(anyPath, (rawPath) => {
      const [path, readings] = [canonicalPath(rawPath), readingsOf(rawPath)];
      if (path !== undefined && readings !== undefined) t.true(readings.has(lowerCased(path)), rawPath);
    }),
    { numRuns: 5_000 },
  );
});

test('an exact pattern matches a name with meaningless characters at its end', (t) => {
  const isDenied = matchAny([DENIED, '/cgi-bin/menu/', '/wxa/*/Delete']);
  for (const path of [
    ...[
      '',
      '/',
      '//',
      '.',
      '%20',
      '%0a',
      '%0d%0a',
      '%09',
      ';x',
      '/;x',
      '%00x',
      '%3Fx',
      '%2f',
      '/./',
      '/x/..',
    ].map((end) => DENIED + end),
    '/cgi-bin/menu',
    '/CGI-BIN/Menu/',
    '/wxa/a/b/delete;x',
  ]) {
    t.true(isDenied(readingsOf(path) ?? []), path);
  }
  for (const path of [`${DENIED}x`, `${DENIED}/x`, '/cgi-bin/menu/get', '/wxa/a/deleted']) {
    t.false(isDenied(readingsOf(path) ?? []), path);
  }
});

test('a plain path has one reading', (t) => {
  for (const path of ['/cgi-bin/user/info', '/wxa/getwxacode', '/cgi-bin/clear_quota/v2', '/a/b.c~d-e_f']) {
    t.deepEqual(readingsOf(path), new Set([path]));
  }
  t.deepEqual(readingsOf('/wxa/getWXACode'), new Set(['/wxa/getwxacode']));
});

test('the number of readings of a path is limited, however unusual it is', (t) => {
  const worst = readingsOf('/%252e%252e;a\\..;//%c0%ae%3b%00%3f./'.repeat(50));
  t.true(worst === undefined || [...worst].length <= 400);
  t.is(readingsOf(`/${'%2e'.repeat(5_000)}`), undefined);
});
