import { loadSettings, readTextFile, type SettingsLocation } from '../settings/load.ts';
import { type ExitCode, type Host, problemsText } from '../roles/host.ts';
import { LocalPorts } from '../roles/local-ports.ts';
import { findLocalProcesses, type LocalProcess } from './local-processes.ts';
import type { Settings } from '../settings/settings.ts';
import type { HostPort } from '../settings/types.ts';
import { shutdown } from './shutdown.ts';

/** `wechat-sidecar shutdown`: asks the sidecar of this pod to stop. */
export async function runShutdown(host: Host, location: Omit<SettingsLocation, 'role'>): Promise<ExitCode> {
  const loaded = loadSettings({ ...location, role: 'shutdown' }, readTextFile);
  if (loaded.kind === 'bad') {
    host.err(problemsText(loaded.problems));
    return 78;
  }
  const target = await findTarget(loaded.settings, new LocalPorts(host.userId));
  if (typeof target === 'string') {
    host.err(`${target}\n`);
    return 1;
  }
  const { exitCode, text } = await shutdown(target);
  if (exitCode === 0) host.out(`${text}\n`);
  else host.err(`${text}\n`);
  return exitCode;
}

/** The admin port from the settings, or of the only candidate process; otherwise the reason why it is ambiguous. */
async function findTarget(
  { adminListen, adminPortMayMove }: Settings,
  ports: LocalPorts,
): Promise<HostPort | string> {
  if (!adminPortMayMove) return adminListen;
  const found = await findLocalProcesses(ports);
  const proxies = found.filter(({ role }) => role === 'proxy');
  const [first, ...others] = proxies.length > 0 ? proxies : found;
  if (others.length === 0) return first?.admin ?? adminListen;
  const list = found.map(nameOf).join(', ');
  return `Several processes run on this machine (${list}): name one with WECHAT_SIDECAR_ADMIN_LISTEN (adminListen).`;
}

function nameOf({ role, admin }: LocalProcess): string {
  return `${role} at ${admin.host}:${admin.port}`;
}
