// Writes the table of settings into both READMEs, and settings.schema.json. Run after
// `npx tsc -p tsconfig.test.json`, as `npm test` does.
import { readFileSync, writeFileSync } from 'node:fs';

const build = new URL(`../${process.env.BUILD_DIR ?? 'build'}/`, import.meta.url);
const { renderJsonSchema } = await import(new URL('test/support/settings-json-schema.js', build));
const { withSettingsTable } = await import(new URL('test/support/settings-markdown.js', build));

for (const [name, language] of [
  ['README.md', 'en'],
  ['README.zh-CN.md', 'zh'],
]) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = withSettingsTable(readFileSync(file, 'utf8'), language);
  if (text === undefined) throw new Error(`${name} has no <!-- settings --> … <!-- /settings -->`);
  writeFileSync(file, text);
}

writeFileSync(new URL('../settings.schema.json', import.meta.url), renderJsonSchema());
