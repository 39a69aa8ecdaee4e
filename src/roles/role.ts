import type { Clock } from '../base/clock.ts';
import type { LevelledLog } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Check } from '../server/admin.ts';
import type { Metrics } from '../server/metrics.ts';
import type { Settings } from '../settings/settings.ts';

/** What every role is started with. */
export interface RoleContext {
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LevelledLog;
  readonly metrics: Metrics;
  /** See `Host`. */
  readonly onRejection?: (act: (error: unknown) => void) => void;
}

/** A role that runs. */
export interface RunningRole {
  readonly name: string;
  /** What it listens on, as `127.0.0.1:3880`. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Whether calls should come here, beyond not being about to stop. */
  readonly ready: readonly Check[];
  /** Its part of `/status`. */
  status(): unknown;
  /** Takes over those settings that may change while it runs. */
  reconfigure(settings: Settings): void;
  /** Stops in good order; tells how many calls had to be cut. */
  drain(options: { readonly delayMs: number; readonly timeoutMs: number }): Promise<{ readonly cut: number }>;
}
