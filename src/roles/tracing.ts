import type * as Api from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';
import type { Clock } from '../base/clock.ts';
import { waitAtMost } from '../base/wait.ts';
import { fieldsOf } from '../base/json.ts';
import type { Log } from '../base/log.ts';
import type { Span, TraceContext, Tracer } from '../proxy/tracing.ts';
import type { Environment } from '../settings/environment.ts';

/** Tracing of calls with OpenTelemetry's own packages. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Sends the remaining spans, for at most `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/** The versions that the tests use. */
const PACKAGES =
  '@opentelemetry/api@1.9 @opentelemetry/sdk-trace@2 @opentelemetry/resources@2 @opentelemetry/exporter-trace-otlp-http@0.223';

/** Spans that wait to be sent; further ones are dropped. */
export const SPANS_WAITING_MAX = 2_048;

/** A collector that does not respond must not delay the shutdown. */
const FLUSH_MS_MAX = 2_000;

/** Undefined if the optional packages are not installed. */
export async function openTracing(
  env: Environment,
  { version, clock, log }: { readonly version: string; readonly clock: Clock; readonly log: Log },
): Promise<Tracing | undefined> {
  const packages = await loadPackages().catch((error: unknown) => {
    const hint = `npm install ${PACKAGES}; or unset OTEL_EXPORTER_OTLP_ENDPOINT`;
    log.warn('calls are not traced: the packages of OpenTelemetry cannot be loaded', {
      reason: codeOf(error),
      hint,
    });
    return undefined;
  });
  if (packages === undefined) return undefined;
  const { api, sdk, resources, exporter } = packages;
  api.diag.setLogger(complaints(log), { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });
  const own = resources.resourceFromAttributes({
    'service.name': 'wechat-sidecar',
    'service.version': version,
  });
  const provider = new sdk.TracerProvider({
    resource: own.merge(resources.detectResources({ detectors: [resources.envDetector] })),
    sampler: samplerOf(sdk, env),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new exporter.OTLPTraceExporter(),
        maxQueueSize: SPANS_WAITING_MAX,
      }),
    ],
  });
  log.info('calls are traced');
  return {
    tracer: tracerOf(api, provider.getTracer('wechat-sidecar', version)),
    async close(limitMs) {
      const sent = provider.shutdown().catch((error: unknown) => complain(log, codeOf(error)));
      await waitAtMost(clock, Math.min(limitMs, FLUSH_MS_MAX), sent);
    },
  };
}

/** Imported only here, and only if a collector is configured. */
async function loadPackages() {
  const [api, sdk, resources, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  return { api, sdk, resources, exporter };
}

/**
 * Errors of the packages may quote the exporter's headers, which hold credentials: only a code is logged. The packages
 * pass an error as JSON in a string.
 */
function complaints(log: Log): Api.DiagLogger {
  const report = (message: string): void => complain(log, /"code":"?(\w{3,20})/.exec(message)?.[1]);
  return { error: report, warn: report, info() {}, debug() {}, verbose() {} };
}

function complain(log: Log, reason = 'unknown'): void {
  const hint = 'check OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over HTTP, usually port 4318) and the collector';
  log.warn('spans could not be sent', { reason, hint });
}

/** Such as ECONNREFUSED, or the status of a response. */
function codeOf(error: unknown): string | undefined {
  const { code } = fieldsOf(error);
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}

/** Named as in the environment variables of every OpenTelemetry SDK. */
function samplerOf(sdk: typeof Sdk, env: Environment): Sdk.Sampler {
  const name = env['OTEL_TRACES_SAMPLER'] ?? '';
  const given = Number(env['OTEL_TRACES_SAMPLER_ARG'] || 1);
  const ratio = given >= 0 && given <= 1 ? given : 1;
  const root = name.endsWith('always_off')
    ? new sdk.AlwaysOffSampler()
    : name.endsWith('traceidratio')
      ? new sdk.TraceIdRatioBasedSampler(ratio)
      : new sdk.AlwaysOnSampler();
  const isRootAlone = name === 'always_on' || name === 'always_off' || name === 'traceidratio';
  return isRootAlone ? root : new sdk.ParentBasedSampler({ root });
}

function tracerOf(api: typeof Api, tracer: Api.Tracer): Tracer {
  return {
    server(name, caller) {
      const parent = caller === undefined ? api.ROOT_CONTEXT : contextOf(api, caller);
      const span = tracer.startSpan(name, { kind: api.SpanKind.SERVER }, parent);
      return new OtelSpan(api, tracer, span);
    },
  };
}

function contextOf(api: typeof Api, { traceId, spanId, flags, tracestate }: TraceContext): Api.Context {
  return api.trace.setSpanContext(api.ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: flags,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: api.createTraceState(tracestate) }),
  });
}

class OtelSpan implements Span {
  readonly #api: typeof Api;
  readonly #tracer: Api.Tracer;
  readonly #span: Api.Span;

  constructor(api: typeof Api, tracer: Api.Tracer, span: Api.Span) {
    this.#api = api;
    this.#tracer = tracer;
    this.#span = span;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  }

  get tracestate(): string | undefined {
    return this.#span.spanContext().traceState?.serialize() || undefined;
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  child(name: string, kind: 'internal' | 'client'): Span {
    const { SpanKind, trace, ROOT_CONTEXT } = this.#api;
    const of = kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const span = this.#tracer.startSpan(name, { kind: of }, trace.setSpan(ROOT_CONTEXT, this.#span));
    return new OtelSpan(this.#api, this.#tracer, span);
  }

  set(name: string, value: string | number): void {
    this.#span.setAttribute(name, value);
  }

  fail(kind: string): void {
    this.#span.setAttribute('error.type', kind);
    this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
  }

  end(): void {
    this.#span.end();
  }
}
