import type { Log } from '../base/log.ts';
import type { ReportOutcome } from '../hub-api/wire.ts';
import type { Caller } from './callers.ts';

export interface AuditedRefresh {
  readonly caller: Caller;
  readonly appid: string;
  /** Of the token that was reported; absent where a person asked. */
  readonly fingerprint?: string | undefined;
  readonly errcode?: number | undefined;
  readonly result: ReportOutcome | 'unchanged' | 'unavailable';
  /** Of the token that was answered. */
  readonly now?: string | undefined;
}

export interface AuditedRefusal {
  /** Undefined: a stranger. */
  readonly caller: Caller | undefined;
  readonly address: string;
  /** The route, such as `GET /v1/apps/:appid/token`; never the path as it was sent. */
  readonly call: string;
  /** As the caller sent it. */
  readonly appid?: string | undefined;
  readonly reason: string;
  readonly why: string;
}

/** Who asked for what: a line for every refresh and every refusal. */
export class Audit {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  refreshed({ caller, appid, fingerprint, errcode, result, now }: AuditedRefresh): void {
    const fields = { ...nameOf(caller), app: appid, fingerprint, errcode, result, now };
    this.#log.info('a refresh was asked for', fields);
  }

  refused({ caller, address, call, appid, reason, why }: AuditedRefusal): void {
    const fields = { ...nameOf(caller), address, call, app: shown(appid), reason, why };
    this.#log.warn('a caller was refused', fields);
  }
}

function nameOf(caller: Caller | undefined): { caller: string | null; kind?: string; pod?: string } {
  if (caller === undefined) return { caller: null };
  return { caller: caller.name, kind: caller.kind, ...(caller.pod !== undefined && { pod: caller.pod }) };
}

/** What does not look like an appid may be anything, a key that slipped to the wrong place included. */
function shown(appid: string | undefined): string | undefined {
  return appid === undefined || /^wx\w{4,32}$/.test(appid) ? appid : '?';
}
