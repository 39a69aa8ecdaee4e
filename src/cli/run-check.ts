import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { makeAsk } from '../upstream/ask.ts';
import { Authorities } from '../upstream/authorities.ts';
import { Egress, type EgressProxy } from '../upstream/egress-proxy.ts';
import { Origins } from '../upstream/origins.ts';
import { Pools } from '../upstream/pools.ts';
import type { Ask } from '../wechat/ask.ts';
import type { CheckOptions } from './arguments.ts';
import { check, checkExitCode, renderFindings } from './check.ts';
import { defaultCheckRole } from '../roles/default-command.ts';
import { LocalPorts } from '../roles/local-ports.ts';
import { checkLocalProcesses } from './local-processes.ts';
import { loadSettings, readTextFile, type SettingsPlace } from '../settings/load.ts';
import { type ExitCode, type Host, plainSettings, problemsText } from '../roles/host.ts';
import type { Settings } from '../settings/settings.ts';

const ASK_TIMEOUT_MS = 10_000;

/** `wechat-sidecar check`: reads the settings, asks once, and says what is wrong. */
export async function runCheck(
  host: Host,
  place: Omit<SettingsPlace, 'role'>,
  options: CheckOptions,
): Promise<ExitCode> {
  const role = options.role ?? defaultCheckRole(plainSettings(place));
  const loaded = loadSettings({ ...place, role }, readTextFile);
  if (loaded.kind === 'bad') {
    host.err(problemsText(loaded.problems));
    return 78;
  }
  const { settings, warnings } = loaded;
  const checked = await check({
    settings,
    warnings,
    fetchClassic: options.fetch,
    ask: askerFor(settings, settings.upstreams, settings.egressProxy),
    askHub: (url, path, bearer) =>
      askerFor(
        settings,
        [url],
        undefined,
      )({
        method: 'GET',
        path,
        headers: ['authorization', `Bearer ${bearer.reveal()}`],
        timeoutMs: ASK_TIMEOUT_MS,
      }),
    readFile: readTextFile,
    clock: systemClock,
  });
  const findings = [...checked, ...(await checkLocalProcesses(settings, new LocalPorts(host.userId)))];
  host.out(renderFindings(findings));
  return checkExitCode(findings);
}

function askerFor(
  { timeouts, resolve, tlsCaPem }: Settings,
  origins: readonly string[],
  egressProxy: EgressProxy | undefined,
): Ask {
  const pools = new Pools({
    connectTimeoutMs: timeouts.connectMs,
    answerTimeoutMs: timeouts.answerMs,
    idleTimeoutMs: timeouts.idleMs,
    resolve,
    authorities: new Authorities(tlsCaPem),
    egress: new Egress(egressProxy, { clock: systemClock, log: silentLog, onFailure() {} }),
    clock: systemClock,
  });
  const upstream = { origins: new Origins(origins, systemClock), pools, log: silentLog, onFailover() {} };
  return makeAsk(upstream, systemClock);
}
