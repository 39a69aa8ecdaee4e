import { headerValues } from '../upstream/raw-headers.ts';

/** A span of any tracer. Attributes hold no token, secret, openid or query. */
export interface Span {
  /** For log lines. */
  readonly traceId: string;
  /** What is sent to the next program, as W3C Trace Context. */
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  rename(name: string): void;
  child(name: string, kind: 'internal' | 'client'): Span;
  set(name: string, value: string | number): void;
  /** It ended with this error type, from a closed set. */
  fail(kind: string): void;
  end(): void;
}

export interface Tracer {
  /** The span of a call; a child of the caller's span, if there is one. */
  server(name: string, caller: TraceContext | undefined): Span;
}

/** The caller's span. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly tracestate: string | undefined;
}

/** Later versions may have additional fields. Source: W3C Trace Context, section 3.2. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const TRACESTATE_LENGTH_MAX = 512;

/** Undefined if there is none, more than one, or a malformed one: a new trace then begins. */
export function traceContext(rawHeaders: readonly string[]): TraceContext | undefined {
  const [given = '', ...more] = headerValues(rawHeaders, 'traceparent');
  const [, traceId, spanId, flags] = TRACEPARENT.exec(given.trim()) ?? [];
  if (more.length > 0 || traceId === undefined || spanId === undefined || flags === undefined)
    return undefined;
  const state = headerValues(rawHeaders, 'tracestate').join(',');
  const tracestate = state !== '' && state.length <= TRACESTATE_LENGTH_MAX ? state : undefined;
  return { traceId, spanId, flags: parseInt(flags, 16), tracestate };
}

/** The headers of a request with `span` in place of the caller's. */
export function headersWith(headers: readonly string[], { traceparent, tracestate }: Span): string[] {
  const sent: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    if (!OF_TRACE.has(name.toLowerCase())) sent.push(name, headers[at + 1] as string);
  }
  sent.push('traceparent', traceparent);
  if (tracestate !== undefined) sent.push('tracestate', tracestate);
  return sent;
}

const OF_TRACE: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);
