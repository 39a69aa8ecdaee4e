import { settingsSchema } from '../../src/settings/schema.ts';
import type { Setting } from '../../src/settings/setting.ts';

export type Language = 'en' | 'zh';

export const SETTINGS_BEGIN = '<!-- settings -->';
export const SETTINGS_END = '<!-- /settings -->';

const WORDS = {
  en: {
    head: ['environment', 'file key', 'default', 'meaning', 'takes effect'],
    live: 'at once',
    start: 'at start',
    none: 'none',
  },
  zh: {
    head: ['环境变量', '配置文件键', '默认值', '含义', '生效'],
    live: '立即',
    start: '重启后',
    none: '无',
  },
} as const;

/** The table of all settings that stands in the README. */
export function renderSettingsMarkdown(language: Language = 'en'): string {
  const { head } = WORDS[language];
  const rows = settingsSchema().settings.map((setting) => cellsOf(setting, language));
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The text with the table between the two markers made anew; undefined where a marker is missing. */
export function withSettingsTable(readme: string, language: Language): string | undefined {
  const begin = readme.indexOf(SETTINGS_BEGIN);
  const end = readme.indexOf(SETTINGS_END, begin);
  if (begin < 0 || end < 0) return undefined;
  const head = readme.slice(0, begin + SETTINGS_BEGIN.length);
  // A formatter would pad each column to its widest cell.
  const table = `<!-- prettier-ignore -->\n${renderSettingsMarkdown(language)}`;
  return `${head}\n\n${table}\n\n${readme.slice(end)}`;
}

function cellsOf(setting: Setting, language: Language): string[] {
  const words = WORDS[language];
  const fallback =
    setting.default === undefined ? (setting.defaultNote?.[language] ?? words.none) : code(setting.default);
  return [
    setting.env === undefined ? '' : code(setting.env),
    setting.key === '' ? '' : code(setting.key),
    fallback,
    setting[language],
    setting.live ? words.live : words.start,
  ].map((cell) => cell.replaceAll('|', String.raw`\|`));
}

function code(text: string): string {
  return `\`${text}\``;
}
