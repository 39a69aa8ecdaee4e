import test from 'ava';
import * as fc from 'fast-check';
import { parse, problemsOf, ACCOUNT } from '../support/settings-source.ts';

const said = (yaml: string): string => problemsOf({ env: ACCOUNT, yaml }).join('\n');

test('invalid YAML is reported with line and column', (t) => {
  t.regex(said('listen: localhost:1\nupstreams: [a,\n'), /^shop\.yaml:3:1: is not valid YAML: /);
  t.regex(said('listen: a:1\nlisten: b:2\n'), /^shop\.yaml:2:1: is not valid YAML: Map keys must be unique$/);
  t.regex(said('listen:\n\t- b'), /^shop\.yaml:2:1: /);
  t.regex(said('a: *x'), /^shop\.yaml: has an alias without an anchor/);
});

test('with invalid YAML, wrong variables are still reported, and settings are not guessed', (t) => {
  const problems = problemsOf({ env: { WECHAT_SIDECAR_LISTN: 'x' }, yaml: 'a: [' });
  t.is(problems.length, 2);
  t.regex(problems[1] ?? '', /^WECHAT_SIDECAR_LISTN/);
});

test('an empty file, comments and empty values set nothing', (t) => {
  for (const yaml of [
    '',
    '# nothing\n',
    '---\n',
    'apps:\n',
    'hub: {}',
    'denyPaths: []',
    'denyPaths: ~',
    'store: null',
  ]) {
    t.is(said(yaml), '', yaml);
  }
});

test('a file in JSON is accepted', (t) => {
  t.is(said('{"drainTimeout": "3s", "denyPaths": ["/a"], "simulator": {"seed": 3}}'), '');
});

test('a file without a mapping is not a settings file', (t) => {
  t.regex(said('- a'), /is not a settings file/);
  t.regex(said('text'), /is not a settings file/);
});

test('an unknown key is reported with its place and the one that was probably meant', (t) => {
  t.is(
    said('\nreplay:\n  bodylimit: 1MiB'),
    'replay.bodylimit (shop.yaml:3): no such setting; did you mean bodyLimit?',
  );
  t.regex(
    said('apps: [{ appid: abc, secret: s, secert: s }]'),
    /apps\[0\]\.secert \(shop\.yaml:1\): .*mean secret\?/,
  );
  t.regex(said('"apps[]": { appid: x }'), /"apps\[\]" \(shop\.yaml:1\): no such setting/);
  t.regex(said('__proto__: { a: b }'), /no such setting/);
});

test('a text in place of a list or a mapping is reported, and the other way round', (t) => {
  t.regex(said('apps: abc'), /apps \(shop\.yaml:1\): must be a list of mappings of appid, secret/);
  t.regex(said('replay: 3'), /replay \(shop\.yaml:1\): must be a mapping of bodyLimit, memoryLimit/);
  t.regex(said('listen: { host: a }'), /listen \(shop\.yaml:1\): must be one text: host:port/);
  t.regex(said('denyPaths: [[a]]'), /denyPaths \(shop\.yaml:1\): must be a list of texts/);
});

test('whatever a file contains, reading it ends with settings or with problems of one line each', (t) => {
  const key = fc.constantFrom(
    'apps',
    'hub',
    'url',
    'listen',
    'store',
    'appid',
    'secret',
    'clients',
    'replay',
    'x',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.constantFrom('memory', '3s', 'https://a', null, 7),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(
      fc.oneof(
        tree.map((value) => JSON.stringify(value)),
        fc.string(),
      ),
      (yaml) => {
        const parsed = parse({ role: 'hub', env: ACCOUNT, yaml });
        t.true(
          parsed.kind === 'ok' ||
            (parsed.problems.length > 0 && parsed.problems.every((line) => !/[\n\r]/.test(line))),
          yaml,
        );
      },
    ),
    { numRuns: 500 },
  );
});
