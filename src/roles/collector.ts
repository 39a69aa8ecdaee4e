import type { Environment } from '../settings/environment.ts';
import type { Role } from '../settings/role.ts';

/** Whether calls are to be traced: this role serves some, and a collector is named as every SDK of OpenTelemetry reads it. */
export function isTraced(role: Role, env: Environment): boolean {
  if (role !== 'proxy' && role !== 'demo') return false;
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none')
    return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}
