import type { Clock } from '../base/clock.ts';
import type { LevelledLog } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Check } from '../server/admin.ts';
import type { Metrics } from '../server/metrics.ts';
import type { Tracer } from '../proxy/tracing.ts';
import type { Settings } from '../settings/settings.ts';

/** What every role gets at its start. */
export interface RoleContext {
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LevelledLog;
  readonly metrics: Metrics;
  /** Undefined if calls are not traced. */
  readonly tracer?: Tracer | undefined;
  /** See `Host`. */
  readonly memoryLimitBytes?: number;
  readonly onRejection?: (act: (error: unknown) => void) => void;
}

/** A running role. */
export interface RunningRole {
  readonly name: string;
  /** The addresses that it listens on, such as `127.0.0.1:3880`. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Whether it can serve calls, apart from being about to stop. */
  readonly ready: readonly Check[];
  /** This part of `/status`. */
  status(): unknown;
  /** Applies the settings that may change at runtime. */
  reconfigure(settings: Settings): void;
  /** Stops gracefully; returns how many calls had to be aborted. */
  drain(options: { readonly delayMs: number; readonly timeoutMs: number }): Promise<{ readonly cut: number }>;
}
