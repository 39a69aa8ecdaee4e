import { type Command, COMMAND_WORDS, COMMANDS, rolesOf } from './commands.ts';
import { settingsSchema } from '../settings/schema.ts';
import type { Setting } from '../settings/setting.ts';

const COLUMNS = 100;
const INTRODUCTION =
  'A sidecar and a central token server for the WeChat API: business code calls it without ever seeing ' +
  'an access_token or an AppSecret.';

/** The most used settings, by key; the others are shown on demand. */
const FIRST_KEYS = {
  proxy: ['apps[].appid', 'apps[].secret', 'hub.url', 'hub.tokenFile', 'listen'],
  hub: ['apps[].appid', 'apps[].secretFile', 'clients[].keyFile', 'store.url', 'listen'],
  injector: ['injector.hubUrl', 'injector.image', 'injector.mode', 'injector.egressProxy', 'injector.port'],
  simulator: ['listen', 'apps[].appid', 'apps[].secret', 'simulator.tls', 'simulator.tokenLife'],
  demo: ['listen', 'adminListen', 'simulator.tokenLife', 'simulator.seed', 'logLevel'],
} as const;

/** The text of `--help` for one command or all, with the most important settings or, if `all`, every one. */
export function renderHelp(version: string, command: Command | undefined, all: boolean): string {
  const own =
    command === undefined
      ? settingsSchema().settings
      : settingsSchema().settings.filter((row) => row.roles.some((role) => rolesOf(command).includes(role)));
  const settings = all ? own : firstOf(own, command);
  const more = own.length - settings.length;
  const about = command === undefined ? INTRODUCTION : COMMAND_WORDS[command].more;
  const lines = [
    `wechat-sidecar ${version}`,
    '',
    ...wrap(about, ''),
    '',
    `Usage: wechat-sidecar ${command ?? '[COMMAND]'} [--config FILE]${USAGE[command ?? ''] ?? ''}`,
    '',
    ...(command === undefined ? commandLines() : []),
    ...optionLines(command),
    all || more === 0 ? 'Settings' : 'Settings that matter first',
    '',
    ...wrap(
      'By variable, or by key in the settings file (YAML); a variable wins. An empty one counts as not set. ' +
        'Durations and sizes carry their unit. Settings marked * change while running, when the file does or ' +
        'on SIGHUP; the others at the next start.',
      '  ',
    ),
    ...settings.flatMap(settingLines),
    ...(more === 0
      ? []
      : ['', `  ${more} more: wechat-sidecar ${command === undefined ? '' : `${command} `}--help all`]),
  ];
  return `${lines.join('\n')}\n`;
}

function firstOf(own: readonly Setting[], command: Command | undefined): readonly Setting[] {
  const keys: readonly string[] | undefined = Object.entries(FIRST_KEYS).find(
    ([name]) => name === (command === undefined || command === 'check' ? 'proxy' : command),
  )?.[1];
  return keys === undefined ? own : keys.flatMap((key) => own.find((row) => row.key === key) ?? []);
}

const USAGE: Readonly<Record<string, string>> = {
  check: ' [--role proxy|hub] [--fetch] [--json]',
  status: ' [--json]',
};

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
    ...(command === 'check' || command === 'status' ? ['  --json        print JSON, for programs'] : []),
    `  -h, --help    this text${command === undefined ? '; after a command, its own' : ''}; --help all shows every setting`,
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
