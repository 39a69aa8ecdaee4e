import { REFUSED_ERRCODES } from '../wechat/verdict.ts';
import type { Answer } from './upstream-response.ts';
import type { Call } from './call.ts';
import type { Sidecar } from './sidecar.ts';

const ADVICE =
  'leave access_token out, and the token of the account is put in; or set WECHAT_SIDECAR_FOREIGN_TOKENS=replace. ' +
  'A token of another account has to be renewed by the program that fetched it';

/**
 * Logs and counts that the platform refused a foreign token. Such a call cannot be replayed, and its program may not
 * know that it sends a token of its own.
 */
export function noteForeignRefusal(
  call: Call,
  { metrics, log }: Sidecar,
  appid: string | undefined,
  answer: Answer,
): void {
  const errcode = answer.kind === 'held' ? (answer.verdict.errcode ?? 0) : 0;
  if (!REFUSED_ERRCODES.has(errcode)) return;
  call.note('token=foreign');
  metrics.foreignTokenRefused(appid);
  log.warn('foreign token refused', {
    app: appid,
    path: call.path,
    errcode,
    advice: ADVICE,
    trace_id: call.record?.traceId,
  });
}
