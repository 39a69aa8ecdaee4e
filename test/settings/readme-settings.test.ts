import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { renderSettingsMarkdown, withSettingsTable } from '../support/settings-markdown.ts';
import { defaultOf } from '../../src/settings/reader.ts';
import { SETTINGS_TABLE } from '../../src/settings/table.ts';

for (const [name, language] of [
  ['README.md', 'en'],
  ['README.zh-CN.md', 'zh'],
] as const) {
  // A clone without the file shows this as skipped, not as passed.
  const orSkip = existsSync(name) ? test : test.skip;
  orSkip(`${name} holds exactly the table of settings (scripts/readme-settings.mjs writes it)`, (t) => {
    const readme = readFileSync(name, 'utf8');
    t.is(withSettingsTable(readme, language), readme);
  });
}

test('the table is written between the markers, and nothing else is touched', (t) => {
  const readme = 'before\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n';
  const written = withSettingsTable(readme, 'en') ?? '';
  t.is(
    written,
    `before\n<!-- settings -->\n\n<!-- prettier-ignore -->\n${renderSettingsMarkdown('en')}\n\n<!-- /settings -->\nafter\n`,
  );
  t.is(withSettingsTable(written, 'en'), written);
  t.is(withSettingsTable('no markers', 'en'), undefined);
});

test('each setting has a row of its own, in both languages', (t) => {
  for (const language of ['en', 'zh'] as const) {
    const rows = renderSettingsMarkdown(language).split('\n');
    t.is(rows.length, SETTINGS_TABLE.length + 2);
    for (const row of rows) t.is(row.split(/(?<!\\)\|/).length, 7, row);
  }
  for (const { key, meaningZh } of SETTINGS_TABLE) t.regex(meaningZh, /\p{Script=Han}/u, key);
});

test('no key and no variable stands for two settings, and each default is one that would be accepted', (t) => {
  const keys = SETTINGS_TABLE.map((setting) => setting.key);
  const variables = SETTINGS_TABLE.flatMap((setting) => setting.env ?? []);
  t.is(new Set(keys).size, keys.length);
  t.is(new Set(variables).size, variables.length);
  for (const setting of SETTINGS_TABLE) {
    if (setting.default === undefined) continue;
    if (setting.itemsMax === undefined) t.notThrows(() => defaultOf(setting), setting.key);
    else for (const item of setting.default.split(',')) t.not(setting.form.read(item), undefined, item);
  }
});
