import { loadSettings, readTextFile, type SettingsPlace } from './load-settings.ts';
import { type ExitCode, type Host, problemsText } from './host.ts';
import { shutdown } from './shutdown.ts';

/** `wechat-sidecar shutdown`: asks the sidecar of this pod to stop. */
export async function runShutdown(host: Host, place: Omit<SettingsPlace, 'role'>): Promise<ExitCode> {
  const loaded = loadSettings({ ...place, role: 'shutdown' }, readTextFile);
  if (loaded.kind === 'bad') {
    host.err(problemsText(loaded.problems));
    return 78;
  }
  const { exitCode, text } = await shutdown(loaded.settings.adminListen);
  if (exitCode === 0) host.out(`${text}\n`);
  else host.err(`${text}\n`);
  return exitCode;
}
