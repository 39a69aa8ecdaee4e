import type { defaultCommand } from './default-command.ts';
import { readTextFile, type SettingsPlace } from '../settings/load.ts';
import type { Environment } from '../settings/environment.ts';

/** What the process is to us: the one who runs this has the process. */
export interface Host {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly version: string;
  readonly nodeVersion: string;
  /** The number of the user that we run as, where the system has such numbers. */
  readonly userId: number | undefined;
  out(text: string): void;
  err(text: string): void;
  /** `stop`: SIGTERM or SIGINT; `reload`: SIGHUP. */
  onSignal(kind: 'stop' | 'reload', run: () => void): void;
  /** From here on a rejection that nobody takes no longer ends the process: `act` gets it. */
  onRejection(act: (error: unknown) => void): void;
}

/** 0: a requested stop or a finished command. 78: bad settings (EX_CONFIG). 1: anything else. */
export type ExitCode = 0 | 1 | 78;

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
