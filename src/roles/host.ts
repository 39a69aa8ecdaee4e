import type { defaultCommand } from './default-command.ts';
import { readTextFile, type SettingsLocation } from '../settings/load.ts';
import type { Environment } from '../settings/environment.ts';

/** The interface to the process, which belongs to the entry file. */
export interface Host {
  /** Without the interpreter and the script name. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly version: string;
  readonly nodeVersion: string;
  /** The numeric id of our user, if the system has one. */
  readonly userId: number | undefined;
  /** What the system lets this process take, as a container; see `shareOfMemory`. */
  readonly memoryLimitBytes: number;
  out(text: string): void;
  err(text: string): void;
  /** `stop`: SIGTERM or SIGINT; `reload`: SIGHUP. */
  onSignal(kind: 'stop' | 'reload', run: () => void): void;
  /** From then on an unhandled rejection does not end the process; `act` gets it instead. */
  onRejection(act: (error: unknown) => void): void;
}

/** 0: stopped on request, or the command succeeded. 78: invalid settings (EX_CONFIG). 1: anything else. */
export type ExitCode = 0 | 1 | 78;

export function problemsText(problems: readonly string[]): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${problem}\n`).join('');
  return `wechat-sidecar cannot start: ${count} in the settings\n${lines}`;
}

/** Only for finding out which command to run; read errors are reported by the real load. */
export function plainSettings({
  env,
  configFile,
}: Omit<SettingsLocation, 'role'>): Parameters<typeof defaultCommand>[0] {
  if (configFile === undefined) return { env };
  try {
    return { env, file: { path: configFile, text: readTextFile(configFile) } };
  } catch {
    return { env, file: { path: configFile, text: '[' } };
  }
}
