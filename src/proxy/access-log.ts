import type { Clock } from '../base/clock.ts';
import type { LevelledLog } from '../base/log.ts';
import { type CallSummary, Recorder } from './call-record.ts';
import type { Tracer } from './tracing.ts';

export type AccessLogMode = 'off' | 'errors' | 'all';

/** Returns undefined if neither the access log nor tracing is on; a call then costs nothing extra. */
export function makeRecorder(
  mode: AccessLogMode,
  tracer: Tracer | undefined,
  { log, clock }: { readonly log: LevelledLog; readonly clock: Clock },
): Recorder | undefined {
  if (mode === 'off' && tracer === undefined) return undefined;
  const onSummary = (summary: CallSummary): void => {
    if (mode === 'all' || isError(summary)) writeLine(summary, log);
  };
  return new Recorder({ onSummary: mode === 'off' ? undefined : onSummary, tracer, clock });
}

function isError({ status, errcode = 0, reason, isCut }: CallSummary): boolean {
  return status >= 400 || errcode !== 0 || reason !== undefined || isCut;
}

function writeLine({ traceId, isCut, ...summary }: CallSummary, log: LevelledLog): void {
  const { durationMs, upstreamMs, tokenMs } = summary;
  log.always('access', {
    ...summary,
    durationMs: rounded(durationMs),
    upstreamMs: rounded(upstreamMs),
    tokenMs: rounded(tokenMs),
    cut: isCut || undefined,
    trace_id: traceId,
  });
}

/** To tenths of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
