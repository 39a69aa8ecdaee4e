import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { codesIn, readMarkdown, withoutBlocks } from '../support/markdown.ts';

const FOLDERS = ['.', 'docs', 'k8s', 'bench'];
const DOCUMENTS = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

test('every file that the guides for contributors name exists', (t) => {
  const named = ['CONTRIBUTING.md', 'SECURITY.md'].flatMap((path) =>
    [
      ...codesIn(withoutBlocks(readMarkdown(path).text)),
      ...readMarkdown(path).blocks.flatMap(({ code }) => code.split(/\s+/)),
    ]
      .filter((code) => /^(?:\.ci|bench|docs|k8s|scripts|src|test)\/[\w./-]*$|^[A-Z]+\.md$/.test(code))
      .map((file) => ({ path, file })),
  );
  t.true(named.length > 15);
  for (const { path, file } of named) t.true(existsSync(join(dirname(path), file)), `${path} names ${file}`);
});

test('every npm script that a document names exists', (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const builtIn = ['ci', 'cit', 'start', 'test'];
  let found = 0;
  for (const path of DOCUMENTS) {
    for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)) {
      found += 1;
      t.true(name in scripts || builtIn.includes(name), `${path} names npm run ${name}`);
    }
  }
  t.true(found > 10);
});

test('the guide for contributors names where a setting, a route, an errcode and a metric are added', (t) => {
  const { headings } = readMarkdown('CONTRIBUTING.md');
  for (const subject of ['setting', 'route', 'errcode', 'metric']) {
    t.true(
      headings.some((heading) => heading.startsWith('Add ') && heading.includes(subject)),
      subject,
    );
  }
});
