import { type Command, COMMAND_WORDS, COMMANDS, rolesOf } from './commands.ts';
import { SETTINGS } from '../settings/schema.ts';
import type { Setting } from '../settings/setting.ts';

const COLUMNS = 100;
const INTRODUCTION =
  'A sidecar and a central token server for the WeChat API: business code calls it without ever seeing ' +
  'an access_token or an AppSecret.';

/** The text of `--help`, of one command or of all of them. */
export function renderHelp(version: string, command: Command | undefined): string {
  const settings =
    command === undefined
      ? SETTINGS
      : SETTINGS.filter((row) => row.roles.some((role) => rolesOf(command).includes(role)));
  const about = command === undefined ? INTRODUCTION : COMMAND_WORDS[command].more;
  const lines = [
    `wechat-sidecar ${version}`,
    '',
    ...wrap(about, ''),
    '',
    `Usage: wechat-sidecar ${command ?? '[COMMAND]'} [--config FILE]${command === 'check' ? ' [--role proxy|hub] [--fetch]' : ''}`,
    '',
    ...(command === undefined ? commandLines() : []),
    ...optionLines(command),
    'Settings',
    '',
    ...wrap(
      'By variable, or by key in the settings file (YAML); a variable wins. An empty one counts as not set. ' +
        'Durations and sizes carry their unit. Settings marked * change while running, when the file does or ' +
        'on SIGHUP; the others at the next start.',
      '  ',
    ),
    ...settings.flatMap(settingLines),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines(): string[] {
  return [
    'Commands',
    '',
    ...COMMANDS.map((command) => `  ${command.padEnd(11)}${COMMAND_WORDS[command].line}`),
    '',
    '  Without a command: proxy where an account or a hub is set, else demo.',
    '',
  ];
}

function optionLines(command: Command | undefined): string[] {
  const check = [
    '  --role ROLE   check the settings as a proxy or as a hub reads them',
    '  --fetch       fetch a token in mode classic too, which replaces the live one',
  ];
  return [
    'Options',
    '',
    '  --config FILE the settings file, also WECHAT_SIDECAR_CONFIG',
    ...(command === 'check' ? check : []),
    `  -h, --help    this text${command === undefined ? '; after a command, its own' : ''}`,
    '  --version     the version',
    '',
  ];
}

function settingLines(setting: Setting): string[] {
  const names = [setting.key, setting.env ?? ''].filter((name) => name !== '');
  const fallback = setting.default ?? setting.defaultNote?.en.replaceAll('`', '') ?? 'none';
  const several = setting.env === undefined ? 'as a list' : 'with commas between';
  const list = setting.itemsMax === undefined ? '' : `; several ${several}`;
  return [
    '',
    `  ${names.join('  ')}${setting.live ? '  *' : ''}`,
    ...wrap(setting.en.replaceAll('`', ''), '      '),
    ...wrap(`Accepted: ${setting.accepted}${list}. Default: ${fallback}.`, '      '),
  ];
}

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > COLUMNS && line !== indent) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
