// Writes the table of settings into both READMEs. Run after `npm run build`.
import { readFileSync, writeFileSync } from 'node:fs';
import { withSettingsTable } from '../dist/cli/settings-markdown.js';

for (const [name, language] of [
  ['README.md', 'en'],
  ['README.zh-CN.md', 'zh'],
]) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = withSettingsTable(readFileSync(file, 'utf8'), language);
  if (text === undefined) throw new Error(`${name} has no <!-- settings --> … <!-- /settings -->`);
  writeFileSync(file, text);
}
