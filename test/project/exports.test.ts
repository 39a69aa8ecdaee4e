import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';
import { readSources, type SourceFile } from '../support/source-tree.ts';

/** Exported for tests alone, each with the reason why a test has to reach it. */
const FOR_TESTS: Readonly<Record<string, string>> = {
  'src/base/clock.ts MonotonicScale': 'the one class whose inputs are two clocks; tests turn them by hand',
  'src/base/did-you-mean.ts editDistance': 'a pure function with properties of its own',
  'src/cli/output.ts WAITING_BYTES_MAX': 'the bound that the test fills',
  'src/cli/output.ts pipeOutput': 'takes a stream, so that a test can break it',
  'src/hub/watchers.ts HEARTBEAT_MS': 'the test turns the clock by it',
  'src/injector/webhook.ts INJECT_PATH': 'the manifests are compared with it',
  'src/proxy/errors.ts REASONS': 'the documents are compared with it',
  'src/proxy/reports.ts EVIDENCE_MS': 'the test turns the clock by it',
  'src/proxy/reports.ts HOLD_AFTER_SUCCESS_MS': 'the test turns the clock by it',
  'src/proxy/reports.ts QUIET_MS': 'the test turns the clock by it',
  'src/simulator/documented/table.ts readTables': 'the tables are checked one by one',
  'src/simulator/gateway.ts splitTarget': 'a pure function with properties of its own',
  'src/store/token-records.ts fromRecord': 'the conversion of clocks is tested alone',
  'src/store/token-records.ts toRecord': 'the conversion of clocks is tested alone',
  'src/store/file-store.ts FileRecords': 'what is in a file has Unix times, which the store hides',
  'src/token/doubt.ts HOLD_MS': 'the test turns the clock by it',
  'src/token/doubt.ts SHARED_HOLD_MS_MAX': 'the test turns the clock by it',
  'src/wechat/page-signature.ts signatureOf': 'is compared with other implementations',
};

const EXPORTED = /^export (?:async )?(?:const|let|function\*?|class) (\w+)/gm;
const IMPORTED = /^import (?:type )?(?:\w+,? ?)?\{([^}]*)\} from '(\.[^']+)'/gm;

const LOADED = /\{([^{}]*)\} = await import\('(\.[^']+)'\)/g;

/** Files whose exports are all taken by one name, so which of them are used cannot be seen here. */
const TAKEN_WHOLE = /^import \* as \w+ from '(\.[^']+)'/gm;

/** Every `path name` that some other file imports. */
function importedNames(sources: readonly SourceFile[]): ReadonlySet<string> {
  return new Set(
    sources.flatMap(({ path, text }) =>
      [...text.matchAll(IMPORTED), ...text.matchAll(LOADED)].flatMap(([, names = '', from = '']) =>
        names
          .split(',')
          .map((name) =>
            name
              .trim()
              .replace(/^type /, '')
              .replace(/ as .*$/, ''),
          )
          .map((name) => `${normalize(join(dirname(path), from))} ${name}`),
      ),
    ),
  );
}

test('every exported value is imported by another source file, is a documented limit, or is listed here', (t) => {
  const sources = readSources('src');
  const limits = readFileSync('docs/limits.md', 'utf8');
  const imported = importedNames(sources);
  const whole = new Set(
    sources.flatMap(({ path, text }) =>
      [...text.matchAll(TAKEN_WHOLE)].map(([, from = '']) => normalize(join(dirname(path), from))),
    ),
  );
  const single = sources.filter(({ path }) => !whole.has(path));
  const unused = single.flatMap(({ path, text }) =>
    [...text.matchAll(EXPORTED)]
      .map(([, name = '']) => name)
      .filter((name) => !imported.has(`${path} ${name}`) && !limits.includes(`\`${path}\` \`${name}`))
      .map((name) => `${path} ${name}`),
  );
  t.deepEqual(unused.toSorted(), Object.keys(FOR_TESTS).toSorted());
});

test('every export for tests is used by a test', (t) => {
  const imported = importedNames(readSources('test'));
  for (const name of Object.keys(FOR_TESTS)) t.true(imported.has(name), name);
});
