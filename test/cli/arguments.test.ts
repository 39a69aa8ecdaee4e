import test from 'ava';
import { parseArguments } from '../../src/cli/arguments.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { defaultCheckRole, defaultCommand } from '../../src/roles/default-command.ts';
import { settingsSchema } from '../../src/settings/schema.ts';

const parse = (line: string) => parseArguments(line === '' ? [] : line.split(' '), '1.2.3');

function shownBy(line: string): string {
  const parsed = parse(line);
  return parsed.kind === 'show' ? parsed.text : '';
}

function problemOf(line: string): string {
  const parsed = parse(line);
  return parsed.kind === 'bad' ? parsed.problem : '';
}

test('the command and the settings file may be in any order', (t) => {
  const expected = { kind: 'run', command: 'hub', configFile: 'a.yaml' };
  for (const line of ['hub --config a.yaml', '--config a.yaml hub', 'hub --config=a.yaml']) {
    t.like(parse(line), expected, line);
  }
  t.like(parse(''), { kind: 'run', command: undefined, configFile: undefined });
  for (const command of COMMANDS) t.like(parse(command), { kind: 'run', command });
});

test('only check has options of its own', (t) => {
  t.like(parse('check --fetch --role hub'), { check: { fetch: true, role: 'hub' } });
  t.like(parse('check'), { check: { fetch: false, role: undefined } });
  t.regex(problemOf('proxy --fetch'), /--fetch is only for the command check/);
  t.regex(problemOf('proxy --json'), /--json is only for the commands check and status/);
  t.like(parse('status --json'), { command: 'status', json: true });
  t.regex(problemOf('check --role nobody'), /--role: got "nobody", accepted is proxy or hub/);
});

test('an unknown word is reported in one line, with the word that was probably meant', (t) => {
  t.regex(
    problemOf('porxy'),
    /^wechat-sidecar: "porxy" is not a command, did you mean proxy\?; see .*--help$/,
  );
  t.regex(problemOf('proxy --confg x'), /--confg is not an option, did you mean --config\?/);
  t.regex(problemOf('qqqqqq'), /^wechat-sidecar: "qqqqqq" is not a command; see/);
  t.regex(problemOf('proxy --config'), /--config needs a value/);
  t.regex(problemOf('proxy --config='), /--config needs a value/);
  t.regex(problemOf('proxy --help=1'), /--help takes no value/);
  t.regex(problemOf('proxy more'), /"more" is one argument too many/);
  t.false(problemOf('\u001b[2Jx').includes('\u001b'));
});

test('the version is shown', (t) => {
  t.is(shownBy('--version'), 'wechat-sidecar 1.2.3\n');
});

test('help all shows every setting with its variable, key, default, accepted values and meaning', (t) => {
  const text = shownBy('--help all').replaceAll(/\s+/g, ' ');
  for (const { key, env, accepted, en, default: fallback } of settingsSchema().settings) {
    for (const part of [key, env ?? '', accepted, en.replaceAll('`', ''), fallback ?? '']) {
      t.true(text.includes(part), part);
    }
  }
  for (const command of COMMANDS) t.true(text.includes(` ${command} `));
  t.is(shownBy('-h all'), shownBy('--help all'));
  t.is(shownBy('help all'), shownBy('--help all'));
});

test('help begins with the five most important settings, and says how to see the others', (t) => {
  const text = shownBy('--help');
  const variables = [...text.matchAll(/^ {2}\S+ {2}(WECHAT_\w+)/gm)].map(([, name]) => name);
  t.deepEqual(variables, [
    'WECHAT_APPID',
    'WECHAT_APPSECRET',
    'WECHAT_SIDECAR_HUB_URL',
    'WECHAT_SIDECAR_HUB_TOKEN_FILE',
    'WECHAT_SIDECAR_LISTEN',
  ]);
  t.regex(text, /^ {2}\d+ more: wechat-sidecar --help all$/m);
  t.is(shownBy('-h'), text);
  t.is(shownBy('help'), text);
  for (const command of ['proxy', 'hub', 'injector', 'simulator', 'demo', 'check']) {
    const own = shownBy(`help ${command}`);
    t.is(own, shownBy(`${command} --help`));
    t.is([...own.matchAll(/^ {6}.*Accepted: /gm)].length, 5, command);
    t.true(own.includes(` more: wechat-sidecar ${command} --help all\n`), command);
    t.true(shownBy(`${command} --help all`).length > own.length);
  }
});

test('the help of a command shows only its own settings', (t) => {
  for (const line of ['shutdown --help', 'help shutdown', '-h shutdown']) {
    t.regex(shownBy(line), /WECHAT_SIDECAR_ADMIN_LISTEN/, line);
    t.notRegex(shownBy(line), /WECHAT_APPID|WECHAT_SIMULATOR/, line);
  }
  t.regex(shownBy('check -h'), /--fetch/);
  t.notRegex(shownBy('proxy -h'), /--fetch/);
});

test('no line of help is wider than 100 columns', (t) => {
  for (const line of ['--help', ...COMMANDS.map((command) => `${command} --help`)].flatMap((it) => [
    it,
    `${it} all`,
  ])) {
    for (const row of shownBy(line).split('\n')) t.true(row.length <= 100, row);
  }
});

test('without a command the demo runs, unless an account or a hub is set', (t) => {
  const file = (text: string) => ({ env: {}, file: { path: 'a', text } });
  t.is(defaultCommand({ env: {} }), 'demo');
  t.is(defaultCommand({ env: { WECHAT_APPID: '' } }), 'demo');
  t.is(defaultCommand(file('listen: localhost:1')), 'demo');
  t.is(defaultCommand(file('apps: []')), 'demo');
  t.is(defaultCommand({ env: { WECHAT_APPID: 'x' } }), 'proxy');
  t.is(defaultCommand({ env: { WECHAT_SIDECAR_HUB_URL: 'x' } }), 'proxy');
  t.is(defaultCommand(file('apps: [{ appid: x }]')), 'proxy');
  t.is(defaultCommand(file('hub: { url: x }')), 'proxy');
  // What is wrong with it is then told by the proxy.
  t.is(defaultCommand(file('a: [')), 'proxy');
});

test('check reads settings that name clients as those of a hub', (t) => {
  const file = (text: string) => ({ env: {}, file: { path: 'a', text } });
  t.is(defaultCheckRole({ env: {} }), 'proxy');
  t.is(defaultCheckRole(file('clients: [{ name: x }]')), 'hub');
  t.is(defaultCheckRole({ env: { WECHAT_HUB_CLIENT_KEY_FILE: 'x' } }), 'hub');
  t.is(defaultCheckRole(file('clients: [{ name: x }]\nhub: { url: x }')), 'proxy');
});
