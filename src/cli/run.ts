import { systemClock } from '../base/clock.ts';
import { makeLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { ListenError } from '../server/listen-error.ts';
import { parseArguments } from './arguments.ts';
import { defaultCommand } from '../roles/default-command.ts';
import { type ExitCode, type Host, plainSettings, problemsText } from '../roles/host.ts';
import { loadSettings, readTextFile, type SettingsLocation } from '../settings/load.ts';

/** Runs the command line until everything it started has ended. */
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
  const location = { env: host.env, configFile };
  const command = args.command ?? defaultCommand(plainSettings(location));
  switch (command) {
    // `--version` and `--help` load none of this.
    case 'check': {
      const { runCheck } = await import('./run-check.ts');
      return runCheck(host, location, args.check, args.json);
    }
    case 'status': {
      const { runStatus } = await import('./run-status.ts');
      return runStatus(host, location, args.json);
    }
    case 'shutdown': {
      const { runShutdown } = await import('./run-shutdown.ts');
      return runShutdown(host, location);
    }
    default:
      return runRole(host, { ...location, role: command });
  }
}

async function runRole(host: Host, location: SettingsLocation): Promise<ExitCode> {
  const loaded = loadSettings(location, readTextFile);
  if (loaded.kind === 'bad') {
    host.err(problemsText(loaded.problems));
    return 78;
  }
  const log = makeLog(loaded.settings.logLevel, systemClock, (line) => host.out(line));
  for (const warning of loaded.warnings) log.warn('settings warning', { warning });
  try {
    const { serve } = await import('../roles/serve.ts');
    await serve(host, location, loaded, { clock: systemClock, random: systemRandom, log });
    return 0;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    host.err(`wechat-sidecar: ${error.message}\n`);
    return 1;
  }
}
