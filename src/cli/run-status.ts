import { loadSettings, readTextFile, type SettingsLocation } from '../settings/load.ts';
import { type ExitCode, type Host, problemsText } from '../roles/host.ts';
import { LocalPorts } from '../roles/local-ports.ts';
import { type LocalProcess, localProcesses, statusOf } from './local-processes.ts';
import { reachable } from './shutdown.ts';
import { statusTable } from './status-table.ts';

/** `wechat-sidecar status`: shows the processes on this machine, one after the other. */
export async function runStatus(
  host: Host,
  location: Omit<SettingsLocation, 'role'>,
  asJson: boolean,
): Promise<ExitCode> {
  const loaded = loadSettings({ ...location, role: 'shutdown' }, readTextFile);
  if (loaded.kind === 'bad') {
    host.err(problemsText(loaded.problems));
    return 78;
  }
  const { settings } = loaded;
  const found = await localProcesses(settings, new LocalPorts(host.userId));
  let shown = 0;
  for (const it of found) {
    const readable = await statusOf(it);
    if (readable === undefined) {
      host.err(`${nameOf(it)} does not respond to /status.\n`);
      continue;
    }
    // One line for each process.
    if (asJson) host.out(`${JSON.stringify(readable)}\n`);
    else host.out(`${shown > 0 ? '\n' : ''}${statusTable(nameOf(it), readable)}`);
    shown += 1;
  }
  if (found.length === 0)
    host.err(nobodyText(`${reachable(settings.adminListen.host)}:${settings.adminListen.port}`));
  return shown > 0 ? 0 : 1;
}

/** What to do if nothing runs. */
function nobodyText(location: string): string {
  return (
    `No sidecar or hub runs on this machine: nothing of ours answers at ${location} (adminListen).\n` +
    'Start one with wechat-sidecar demo, proxy or hub; or name the admin port of one that runs with ' +
    'WECHAT_SIDECAR_ADMIN_LISTEN.\n'
  );
}

function nameOf({ role, version, admin }: LocalProcess): string {
  return `${role} ${version}, admin port ${admin.host}:${admin.port}`;
}
