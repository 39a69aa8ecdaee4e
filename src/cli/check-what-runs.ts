import type { LocalPorts } from '../roles/local-ports.ts';
import type { Settings } from '../settings/settings.ts';
import type { Finding } from './check.ts';
import { checkProcess, localProcesses, statusOf } from './local-processes.ts';
import { accountsIn, type ShownAccount } from './status-table.ts';

/** What to do if nothing is configured and nothing runs. */
export const NOTHING_SET =
  'Nothing is configured, and no sidecar or hub runs on this machine. Set WECHAT_APPID and WECHAT_APPSECRET for an ' +
  'account of your own, or WECHAT_SIDECAR_HUB_URL and WECHAT_SIDECAR_HUB_TOKEN_FILE to use a hub, in the environment ' +
  'or in a file (--config FILE); or try it without an account: wechat-sidecar demo.';

/** If nothing is configured: the health of what runs on this machine, such as the demo. Empty if nothing does. */
export async function checkWhatRuns(settings: Settings, ports: LocalPorts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const it of await localProcesses(settings, ports)) {
    findings.push(await checkProcess(it), ...accountsIn(await statusOf(it)).map(accountFinding));
  }
  if (findings.length === 0) return [];
  return [
    { level: 'ok', text: 'Nothing is configured here, so what runs on this machine is checked.' },
    ...findings,
  ];
}

function accountFinding({ appid, mode, fingerprint, left, isFailing, next }: ShownAccount): Finding {
  if (mode === 'login') return { level: 'ok', text: `${appid}: ${next}.` };
  const then = next === '' ? '' : `; ${next.replace(/\.$/, '')}`;
  if (fingerprint === '') return { level: 'problem', text: `${appid}: there is no token${then}.` };
  return { level: isFailing ? 'warning' : 'ok', text: `${appid}: its token is good for ${left}${then}.` };
}
