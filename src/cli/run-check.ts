import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { makeAsk } from '../upstream/ask.ts';
import { Authorities } from '../upstream/authorities.ts';
import { Egress, type EgressProxy } from '../upstream/egress-proxy.ts';
import { Origins } from '../upstream/origins.ts';
import { Pools } from '../upstream/pools.ts';
import type { Ask } from '../wechat/ask.ts';
import type { CheckOptions } from './arguments.ts';
import { check, checkExitCode, type Finding, findingsJson, renderFindings } from './check.ts';
import { defaultCheckRole, defaultCommand, type PlainSettings } from '../roles/default-command.ts';
import { LocalPorts } from '../roles/local-ports.ts';
import { checkLocalProcesses } from './local-processes.ts';
import { checkWhatRuns, NOTHING_SET } from './check-what-runs.ts';
import { loadSettings, readTextFile, type SettingsLocation } from '../settings/load.ts';
import { type ExitCode, type Host, plainSettings, problemsText } from '../roles/host.ts';
import type { Settings } from '../settings/settings.ts';

const ASK_TIMEOUT_MS = 10_000;

/** `wechat-sidecar check`: reads the settings, calls the platform or the hub once, and reports what is wrong. */
export async function runCheck(
  host: Host,
  location: Omit<SettingsLocation, 'role'>,
  options: CheckOptions,
  asJson: boolean,
): Promise<ExitCode> {
  const show = asJson ? findingsJson : renderFindings;
  const role = options.role ?? roleToCheck(plainSettings(location));
  const loaded = loadSettings({ ...location, role }, readTextFile);
  if (loaded.kind === 'bad') {
    if (asJson) host.out(findingsJson(loaded.problems.map((text) => ({ level: 'problem', text }))));
    else host.err(problemsText(loaded.problems));
    return 78;
  }
  const { settings, warnings } = loaded;
  const ports = new LocalPorts(host.userId);
  if (role === 'demo') {
    const running = await checkWhatRuns(settings, ports);
    if (!asJson && running.length === 0) host.err(`${NOTHING_SET}\n`);
    else host.out(show(running.length === 0 ? [{ level: 'problem', text: NOTHING_SET }] : running));
    return running.length === 0 ? 78 : checkExitCode(running);
  }
  const findings = [
    ...(await checkSettings(settings, warnings, options)),
    ...(await checkLocalProcesses(settings, ports)),
  ];
  host.out(show(findings));
  return checkExitCode(findings);
}

/** `demo`: nothing is configured, so only local processes can be checked. */
function roleToCheck(source: PlainSettings): 'proxy' | 'hub' | 'demo' {
  const role = defaultCheckRole(source);
  return role === 'proxy' ? defaultCommand(source) : role;
}

function checkSettings(
  settings: Settings,
  warnings: readonly string[],
  options: CheckOptions,
): Promise<readonly Finding[]> {
  return check({
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
