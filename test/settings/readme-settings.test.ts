import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { renderSettingsMarkdown, withSettingsTable } from '../support/settings-markdown.ts';
import { settingsSchema } from '../../src/settings/schema.ts';

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
    t.is(rows.length, settingsSchema().settings.length + 2);
    for (const row of rows) t.is(row.split(/(?<!\\)\|/).length, 7, row);
  }
  for (const { key, zh } of settingsSchema().settings) t.regex(zh, /\p{Script=Han}/u, key);
});

test('no two settings share a key or a variable, and each default would be accepted', (t) => {
  const { schema, settings } = settingsSchema();
  const keys = settings.map((setting) => setting.key);
  const variables = settings.flatMap((setting) => setting.env ?? []);
  t.is(new Set(keys).size, keys.length);
  t.is(new Set(variables).size, variables.length);
  // What is not given reads as its default.
  const item = { appid: 'abc' };
  const parsed = schema.safeParse({ apps: [item], clients: [{}], kubernetes: { allow: [{}] } });
  t.deepEqual(parsed.error?.issues ?? [], []);
});
