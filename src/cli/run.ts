import { systemClock } from '../base/clock.ts';
import { makeLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { ListenError } from '../server/listen-error.ts';
import { parseArguments } from './arguments.ts';
import { runCheck } from './run-check.ts';
import { runShutdown } from './run-shutdown.ts';
import { defaultCommand } from './default-command.ts';
import { loadSettings, readTextFile, type SettingsPlace } from './load-settings.ts';
import { serve } from './serve.ts';
import type { Environment } from './settings-environment.ts';
import type { Role } from './settings.ts';

/** What the process is to us: the one who runs this has the process. */
export interface Host {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly version: string;
  readonly nodeVersion: string;
  out(text: string): void;
  err(text: string): void;
  /** `stop`: SIGTERM or SIGINT; `reload`: SIGHUP. */
  onSignal(kind: 'stop' | 'reload', run: () => void): void;
}

/** 0: a requested stop or a finished command. 78: bad settings (EX_CONFIG). 1: anything else. */
export type ExitCode = 0 | 1 | 78;

/** Runs the command line, to the end of whatever it starts. */
export async function run(host: Host): Promise<ExitCode> {
  const args = parseArguments(host.argv, host.version);
  if (args.kind === 'show') {
    host.out(args.text);
    return 0;
  }
  if (args.kind === 'bad') {
    host.err(`${args.problem}\n`);
    return 78;
  }
  const configFile = args.configFile ?? (host.env['WECHAT_SIDECAR_CONFIG'] || undefined);
  const place = { env: host.env, configFile };
  const command = args.command ?? defaultCommand(plainSettings(place));
  switch (command) {
    case 'check':
      return runCheck(host, place, args.check);
    case 'shutdown':
      return runShutdown(host, place);
    default:
      return runRole(host, { ...place, role: command });
  }
}

async function runRole(host: Host, place: SettingsPlace): Promise<ExitCode> {
  const loaded = loadSettings(place, readTextFile);
  if (loaded.kind === 'bad') {
    host.err(problemsText(loaded.problems));
    return 78;
  }
  const log = makeLog(loaded.settings.logLevel);
  for (const warning of loaded.warnings) log.warn('About the settings', { warning });
  try {
    await serve(host, place, loaded, { clock: systemClock, random: systemRandom, log });
    return 0;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    host.err(`wechat-sidecar: ${error.message}\n`);
    return 1;
  }
}

export function problemsText(problems: readonly string[]): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${problem}\n`).join('');
  return `wechat-sidecar cannot start: ${count} in the settings\n${lines}`;
}

/** For finding out what is meant to run; what cannot be read is told when it is read for good. */
export function plainSettings({
  env,
  configFile,
}: Omit<SettingsPlace, 'role'>): Parameters<typeof defaultCommand>[0] {
  if (configFile === undefined) return { env };
  try {
    return { env, file: { path: configFile, text: readTextFile(configFile) } };
  } catch {
    return { env, file: { path: configFile, text: '[' } };
  }
}

export type ServingRole = Exclude<Role, 'shutdown'>;
