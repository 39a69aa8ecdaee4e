import { parseArgs } from 'node:util';
import { type Command, COMMANDS } from './commands.ts';
import { nearest } from '../base/did-you-mean.ts';
import { renderHelp } from './help.ts';

export type Arguments =
  | {
      readonly kind: 'run';
      /** Undefined if none was named; `defaultCommand` then decides. */
      readonly command: Command | undefined;
      readonly configFile: string | undefined;
      readonly check: CheckOptions;
      /** Print JSON, for programs. */
      readonly json: boolean;
    }
  /** To be printed on stdout, with exit code 0. */
  | { readonly kind: 'show'; readonly text: string }
  /** One line for stderr, with exit code 78. */
  | { readonly kind: 'bad'; readonly problem: string };

export interface CheckOptions {
  /** Fetch a token even in mode classic, where that replaces the current one. */
  readonly fetch: boolean;
  /** The role whose settings are checked; undefined: the one they appear to be meant for. */
  readonly role: 'proxy' | 'hub' | undefined;
}

const OPTIONS = {
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  fetch: { type: 'boolean' },
  role: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Options that only these commands accept. */
const COMMANDS_WITH: Readonly<Record<string, readonly Command[]>> = {
  fetch: ['check'],
  role: ['check'],
  json: ['check', 'status'],
};

/** `argv` without the node binary and the script. */
export function parseArguments(argv: readonly string[], version: string): Arguments {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const [word, extra] = positionals;
  const command = COMMANDS.find((name) => name === word);
  for (const token of tokens) {
    const problem = token.kind === 'option' ? optionProblem(token, command) : undefined;
    if (problem !== undefined) return bad(problem);
  }
  if (values.version === true) return { kind: 'show', text: `wechat-sidecar ${version}\n` };
  const isHelp = values.help === true || word === 'help';
  const isTopic = word === 'help' || (isHelp && word === 'all');
  if (word !== undefined && !isTopic && command === undefined) {
    return bad(`"${printable(word)}" is not a command${hint(word, COMMANDS)}`);
  }
  if (isHelp) {
    const about = COMMANDS.find((name) => positionals.includes(name));
    return { kind: 'show', text: renderHelp(version, about, positionals.includes('all')) };
  }
  if (extra !== undefined) return bad(`"${printable(extra)}" is one argument too many`);
  const { config, role } = values;
  return {
    kind: 'run',
    command,
    configFile: typeof config === 'string' ? config : undefined,
    json: values.json === true,
    check: { fetch: values.fetch === true, role: role === 'proxy' || role === 'hub' ? role : undefined },
  };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
}

function optionProblem(
  { name, rawName, value }: OptionToken,
  command: Command | undefined,
): string | undefined {
  const option = Object.entries(OPTIONS).find(([known]) => known === name)?.[1];
  if (option === undefined) {
    return `${printable(rawName)} is not an option${hint(
      rawName,
      Object.keys(OPTIONS).map((known) => `--${known}`),
    )}`;
  }
  if (option.type === 'boolean' && value !== undefined) return `--${name} takes no value`;
  if (option.type === 'string' && (value === undefined || value === '')) {
    return `--${name} needs a value: ${name === 'config' ? '--config FILE' : '--role proxy or --role hub'}`;
  }
  const alone = COMMANDS_WITH[name];
  if (alone !== undefined && (command === undefined || !alone.includes(command))) {
    return `--${name} is only for the command${alone.length === 1 ? '' : 's'} ${alone.join(' and ')}`;
  }
  if (name === 'role' && value !== 'proxy' && value !== 'hub') {
    return `--role: got "${printable(value ?? '')}", accepted is proxy or hub`;
  }
  return undefined;
}

function bad(what: string): Arguments {
  return { kind: 'bad', problem: `wechat-sidecar: ${what}; see wechat-sidecar --help` };
}

function hint(given: string, candidates: readonly string[]): string {
  const candidate = nearest(given, candidates);
  return candidate === undefined ? '' : `, did you mean ${candidate}?`;
}

function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?');
}
