import type { Log } from '../base/log.ts';
import type { ReportOutcome } from '../hub-api/report-outcomes.ts';
import type { Caller } from './authenticator.ts';

export interface AuditedRefresh {
  readonly caller: Caller;
  readonly appid: string;
  /** The reported token; absent if a person asked for the refresh. */
  readonly fingerprint?: string | undefined;
  readonly errcode?: number | undefined;
  readonly result: ReportOutcome | 'unchanged' | 'unavailable';
  /** The token in the response. */
  readonly now?: string | undefined;
}

export interface AuditedRefusal {
  /** Undefined if the caller is not authenticated. */
  readonly caller: Caller | undefined;
  readonly address: string;
  /** The route, such as `GET /v1/apps/:appid/token`; never the raw path. */
  readonly call: string;
  /** As sent by the caller. */
  readonly appid?: string | undefined;
  readonly reason: string;
  readonly why: string;
}

/** Logs one line for every refresh and every refusal. */
export class Audit {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  refreshed({ caller, appid, fingerprint, errcode, result, now }: AuditedRefresh): void {
    const fields = { ...nameOf(caller), app: appid, fingerprint, errcode, result, now };
    this.#log.info('refresh requested', fields);
  }

  refused({ caller, address, call, appid, reason, why }: AuditedRefusal): void {
    const fields = { ...nameOf(caller), address, call, app: shown(appid), reason, why };
    this.#log.warn('caller rejected', fields);
  }
}

function nameOf(caller: Caller | undefined): { caller: string | null; kind?: string; pod?: string } {
  if (caller === undefined) return { caller: null };
  return { caller: caller.name, kind: caller.kind, ...(caller.pod !== undefined && { pod: caller.pod }) };
}

/** Text that does not look like an appid may be anything, including a misplaced key. */
function shown(appid: string | undefined): string | undefined {
  return appid === undefined || /^wx\w{4,32}$/.test(appid) ? appid : '?';
}
